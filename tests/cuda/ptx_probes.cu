// SPDX-License-Identifier: Apache-2.0
#include "cuda/ptx_probes.h"

#include "cuda/bf16.cuh"
#include "cuda/platform.cuh"
#include "cuda/ptx.cuh"
#include "cuda/warp_reduce.cuh"

#if defined(ACCRETE_SIMT)
#include "simt/executor.h"

namespace accrete::test::executor {
#else
namespace accrete::test::device {
#endif
namespace {

using namespace kernels::cuda;

using Word = std::uint32_t;

constexpr Word kWholeWarp = 0xFFFFFFFFU;
constexpr Word kEvenLanes = 0x55555555U;

// 32 rows of 16 bytes in shared memory, 48 bytes apart. Lane l gets the address of row 5 l mod 32.
__device__ const Word* matrix_row(Word (&rows)[32][12], const Word* in, int rows_in) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane < rows_in) {
    for (int i = 0; i < 4; ++i) {
      rows[lane][i] = in[lane * 4 + i];
    }
  }
  __syncwarp();
  return rows[lane * 5 % rows_in];
}

template <int N>
__device__ void store(const Word (&d)[N], Word* out) {
  for (int i = 0; i < N; ++i) {
    out[threadIdx.x * N + static_cast<unsigned>(i)] = d[i];
  }
}

__global__ void ldmatrix_x4(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, rows, [32][12]);
  Word d[4];
  ptx::ldmatrix_x4(d, matrix_row(rows, in, 32));
  store(d, out);
}

__global__ void ldmatrix_x4_trans(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, rows, [32][12]);
  Word d[4];
  ptx::ldmatrix_x4_trans(d, matrix_row(rows, in, 32));
  store(d, out);
}

__global__ void ldmatrix_x2(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, rows, [32][12]);
  Word d[2];
  ptx::ldmatrix_x2(d, matrix_row(rows, in, 16));
  store(d, out);
}

__global__ void ldmatrix_x2_trans(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, rows, [32][12]);
  Word d[2];
  ptx::ldmatrix_x2_trans(d, matrix_row(rows, in, 16));
  store(d, out);
}

// Per lane: four words of a, two of b, four of c.
template <void (*Multiply)(float (&)[4], const Word (&)[4], const Word (&)[2])>
__device__ void multiply_fragments(const Word* in, Word* out) {
  const Word* mine = in + threadIdx.x * 10;
  const Word a[4] = {mine[0], mine[1], mine[2], mine[3]};
  const Word b[2] = {mine[4], mine[5]};
  float d[4];
  for (int i = 0; i < 4; ++i) {
    d[i] = __uint_as_float(mine[6 + i]);
  }
  Multiply(d, a, b);
  for (int i = 0; i < 4; ++i) {
    out[threadIdx.x * 4 + static_cast<unsigned>(i)] = __float_as_uint(d[i]);
  }
}

__global__ void mma_bf16(const Word* in, Word* out) {
  multiply_fragments<ptx::mma_bf16>(in, out);
}

__global__ void mma_tf32(const Word* in, Word* out) {
  multiply_fragments<ptx::mma_tf32>(in, out);
}

// Lane l copies its N words, or zeros when l is a multiple of 3.
template <int N, void (*Copy)(void*, const void*, bool)>
__device__ void copy_through_shared(Word (&words)[32 * N], const Word* in, Word* out) {
  const unsigned first = threadIdx.x * N;
  for (unsigned i = 0; i < N; ++i) {
    words[first + i] = 0xDEADBEEFU;
  }
  const bool valid = threadIdx.x % 3 != 0;
  Copy(words + first, valid ? in + first : in, valid);
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  __syncwarp();
  for (unsigned i = 0; i < N; ++i) {  // what the next lane copied
    out[first + i] = words[(threadIdx.x + 1) % 32 * N + i];
  }
}

__global__ void cp_async_16(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, words, [32 * 4]);
  copy_through_shared<4, ptx::cp_async_16>(words, in, out);
}

__global__ void cp_async_8(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, words, [32 * 2]);
  copy_through_shared<2, ptx::cp_async_8>(words, in, out);
}

__global__ void cp_async_4(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, words, [32]);
  copy_through_shared<1, ptx::cp_async_4>(words, in, out);
}

// Copies that are not valid, from 16-byte aligned addresses at which there is no memory.
__global__ void cp_async_nowhere(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, words, [32 * 4]);
  const unsigned lane = threadIdx.x;
  const auto* base = reinterpret_cast<const unsigned char*>(in);
  const auto far = static_cast<std::uint64_t>(0xFFFFFFFFU - lane) * 16U * (lane + 1U);
  words[lane * 4] = words[lane * 4 + 1] = words[lane * 4 + 2] = words[lane * 4 + 3] = ~0U;
  ptx::cp_async_16(words + lane * 4, base + far, false);
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  for (unsigned i = 0; i < 4; ++i) {
    out[lane * 4 + i] = words[lane * 4 + i];
  }
}

// Three groups, the second one empty; each is read when no more than the later ones may be missing.
__global__ void cp_async_groups(const Word* in, Word* out) {
  ACCRETE_SHARED_ARRAY(Word, words, [2][32]);
  const unsigned lane = threadIdx.x;
  ptx::cp_async_4(&words[0][lane], in + lane, true);
  ptx::cp_async_commit();
  ptx::cp_async_commit();
  ptx::cp_async_4(&words[1][lane], in + 32 + lane, true);
  ptx::cp_async_commit();
  ptx::cp_async_wait<2>();
  out[lane] = words[0][lane];
  ptx::cp_async_wait<0>();
  out[32 + lane] = words[1][lane];
}

__global__ void to_bf16x2_relu(const Word* in, Word* out) {
  const unsigned lane = threadIdx.x;
  out[lane] = ptx::to_bf16x2_relu(__uint_as_float(in[lane]), __uint_as_float(in[31 - lane]));
}

__global__ void to_tf32(const Word* in, Word* out) {
  out[threadIdx.x] = ptx::to_tf32(__uint_as_float(in[threadIdx.x]));
}

__global__ void to_bf16(const Word* in, Word* out) {
  out[threadIdx.x] = kernels::cuda::to_bf16(__uint_as_float(in[threadIdx.x])).bits;
}

__global__ void bf16_pairs(const Word* in, Word* out) {
  const unsigned lane = threadIdx.x;
  out[lane] = ptx::to_bf16x2(__uint_as_float(in[lane]), __uint_as_float(in[31 - lane]));
  const float2 pair = unpack_bf16x2(in[lane]);
  out[32 + lane] = __float_as_uint(pair.x);
  out[64 + lane] = __float_as_uint(pair.y);
}

// Three draws from a counter of each lane's own.
__global__ void increment_release(const Word* in, Word* out) {
  const unsigned lane = threadIdx.x;
  out[lane] = in[lane];
  for (unsigned draw = 1; draw <= 3; ++draw) {
    out[32 * draw + lane] = ptx::increment_release(out + lane, in[32 + lane]);
  }
  ptx::fence_acq_rel();
}

__global__ void shuffle_xor(const Word* in, Word* out) {
  const Word mine = in[threadIdx.x];
  Word* next = out + threadIdx.x;
  for (int bits = 1; bits < 32; bits = 2 * bits + 1) {
    for (int width = 32; width >= 4; width /= 2) {
      *next = __shfl_xor_sync(kWholeWarp, mine, bits, width);
      next += 32;
    }
  }
}

__global__ void shuffle_up_down(const Word* in, Word* out) {
  const Word mine = in[threadIdx.x];
  Word* next = out + threadIdx.x;
  for (unsigned delta = 0; delta < 32; delta = 3 * delta + 1) {
    for (int width = 32; width >= 4; width /= 2) {
      next[0] = __shfl_up_sync(kWholeWarp, mine, delta, width);
      next[32] = __shfl_down_sync(kWholeWarp, mine, delta, width);
      next += 64;
    }
  }
}

__global__ void shuffle_index(const Word* in, Word* out) {
  const Word mine = in[threadIdx.x];
  Word* next = out + threadIdx.x;
  for (const int source : {0, 5, 31, -1, 37}) {
    for (int width = 32; width >= 4; width /= 2) {
      *next = __shfl_sync(kWholeWarp, mine, source, width);
      next += 32;
    }
  }
}

__global__ void votes(const Word* in, Word* out) {
  const int odd = static_cast<int>(in[threadIdx.x] & 1U);
  Word* next = out + threadIdx.x;
  next[0] = __ballot_sync(kWholeWarp, odd);
  next[32] = static_cast<Word>(__any_sync(kWholeWarp, odd) != 0);
  next[64] = static_cast<Word>(__all_sync(kWholeWarp, odd) != 0);
}

// Only the even lanes take part; the odd ones leave zeros.
__global__ void partial_masks(const Word* in, Word* out) {
  const Word mine = in[threadIdx.x];
  Word* next = out + threadIdx.x;
  for (int i = 0; i < 5; ++i) {
    next[32 * i] = 0;
  }
  if (threadIdx.x % 2 == 0) {
    const int odd = static_cast<int>(mine & 1U);
    next[0] = __shfl_xor_sync(kEvenLanes, mine, 6);
    next[32] = __shfl_sync(kEvenLanes, mine, 30);
    next[64] = __ballot_sync(kEvenLanes, odd);
    next[96] = static_cast<Word>(__any_sync(kEvenLanes, odd) != 0);
    next[128] = static_cast<Word>(__all_sync(kEvenLanes, odd) != 0);
  }
}

__global__ void sum_of_warp(const Word* in, Word* out) {
  out[threadIdx.x] = __float_as_uint(warp_sum(__uint_as_float(in[threadIdx.x])));
}

__global__ void multiply_add(const Word* in, Word* out) {
  const Word* mine = in + threadIdx.x * 3;
  out[threadIdx.x] = __float_as_uint(
      __fmaf_rn(__uint_as_float(mine[0]), __uint_as_float(mine[1]), __uint_as_float(mine[2])));
}

__global__ void multiply_high(const Word* in, Word* out) {
  out[threadIdx.x] = __umulhi(in[threadIdx.x], in[31 - threadIdx.x]);
}

__global__ void exponential(const Word* in, Word* out) {
  out[threadIdx.x] = __float_as_uint(expf(__uint_as_float(in[threadIdx.x])));
}

}  // namespace

const std::vector<Probe>& ptx_probes() {
  static const std::vector<Probe> probes = {
      {"ldmatrix_x4", 128, 128, &ldmatrix_x4},
      {"ldmatrix_x4_trans", 128, 128, &ldmatrix_x4_trans},
      {"ldmatrix_x2", 64, 64, &ldmatrix_x2},
      {"ldmatrix_x2_trans", 64, 64, &ldmatrix_x2_trans},
      {"mma_bf16", 320, 128, &mma_bf16},
      {"mma_tf32", 320, 128, &mma_tf32},
      {"cp_async_16", 128, 128, &cp_async_16},
      {"cp_async_8", 64, 64, &cp_async_8},
      {"cp_async_4", 32, 32, &cp_async_4},
      {"cp_async_nowhere", 4, 128, &cp_async_nowhere},
      {"cp_async_groups", 64, 64, &cp_async_groups},
      {"to_tf32", 32, 32, &to_tf32},
      {"to_bf16", 32, 32, &to_bf16},
      {"bf16_pairs", 32, 96, &bf16_pairs},
      {"to_bf16x2_relu", 32, 32, &to_bf16x2_relu},
      {"increment_release", 64, 128, &increment_release},
      {"shuffle_xor", 32, 640, &shuffle_xor},
      {"shuffle_up_down", 32, 1024, &shuffle_up_down},
      {"shuffle_index", 32, 640, &shuffle_index},
      {"votes", 32, 96, &votes},
      {"partial_masks", 32, 160, &partial_masks},
      {"sum_of_warp", 32, 32, &sum_of_warp},
      {"multiply_add", 96, 32, &multiply_add},
      {"multiply_high", 32, 32, &multiply_high},
      {"exponential", 32, 32, &exponential},
  };
  return probes;
}

void launch_probe(const Stream& stream, const Probe& probe, const Word* in, Word* out) {
#if defined(ACCRETE_SIMT)
  simt::submit(stream.native(),
               {probe.name, 1, 32, 0, reinterpret_cast<const void*>(probe.kernel), 2 * sizeof(in)},
               [=] { probe.kernel(in, out); });
#else
  probe.kernel<<<1, 32, 0, static_cast<cudaStream_t>(stream.native())>>>(in, out);
#endif
}

}  // namespace accrete::test::executor or device
