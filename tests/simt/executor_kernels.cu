// SPDX-License-Identifier: Apache-2.0
#include "simt/executor_kernels.h"

#include "cuda/bf16.cuh"
#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"

namespace accrete::test {
namespace {

using namespace kernels::cuda;

__global__ void neighbour_sum(const float* in, float* out, bool barrier) {
  ACCRETE_SHARED_ARRAY(float, values, [1024]);
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  values[threadIdx.x] = in[i];
  if (barrier) {
    __syncthreads();
  }
  out[i] = 2.0F * in[i] + values[(threadIdx.x + 1) % blockDim.x];
}

__global__ void block_sum(const float* in, float* out) {
  ACCRETE_SHARED_ARRAY(float, sums, [32]);
  float sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int bits = 16; bits > 0; bits /= 2) {
    sum += __shfl_xor_sync(0xFFFFFFFFU, sum, bits);
  }
  if (threadIdx.x % 32 == 0) {
    sums[threadIdx.x / 32] = sum;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = 0.0F;
    for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) {
      total += sums[warp];
    }
    out[blockIdx.x] = total;
  }
}

__global__ void partial_ballot(const int* in, std::uint32_t* out) {
  if (threadIdx.x % 2 == 0) {
    out[threadIdx.x] = __ballot_sync(0x55555555U, in[threadIdx.x] % 2);
  }
}

__global__ void misuse_kernel(Misuse misuse) {
  ACCRETE_SHARED_ARRAY(float, values, [64]);
  switch (misuse) {
    case Misuse::divergent_barrier:
      if (threadIdx.x < 32) {
        __syncthreads();
      } else {
        __syncthreads();
      }
      break;
    case Misuse::exit_before_barrier:
      if (threadIdx.x < 32) {
        return;
      }
      __syncthreads();
      break;
    case Misuse::missing_lane:
      if (threadIdx.x != 3) {
        values[threadIdx.x] = __shfl_sync(0xFFFFFFFFU, 1.0F, 0);
      }
      break;
    case Misuse::outside_mask:
      values[threadIdx.x] = __shfl_sync(0x0000FFFFU, 1.0F, 0);
      break;
    case Misuse::absent_source:
      if (threadIdx.x % 32 < 16) {
        values[threadIdx.x] = __shfl_down_sync(0x0000FFFFU, 1.0F, 1);
      }
      break;
    case Misuse::misaligned_copy:
      ptx::cp_async_16(values + 1, values + 8, true);
      break;
  }
}

__global__ void mma_bf16_kernel(const float* a, const float* b, float* out, bool transposed_b) {
  ACCRETE_SHARED_ARRAY(bf16, tile_a, [16][24]);
  ACCRETE_SHARED_ARRAY(bf16, tile_b, [16][24]);
  for (unsigned i = threadIdx.x; i < 16 * 16; i += 32) {
    tile_a[i / 16][i % 16] = to_bf16(a[i]);
  }
  for (unsigned i = threadIdx.x; i < 8 * 16; i += 32) {
    const bf16 value = to_bf16(b[i]);
    if (transposed_b) {
      tile_b[i % 16][i / 16] = value;  // [k][n]
    } else {
      tile_b[i / 16][i % 16] = value;  // [n][k]
    }
  }
  __syncthreads();
  const unsigned lane = threadIdx.x;
  std::uint32_t fragment_a[4];
  ptx::ldmatrix_x4(fragment_a, &tile_a[lane % 16][lane / 16 * 8]);
  std::uint32_t fragment_b[2];
  if (transposed_b) {
    ptx::ldmatrix_x2_trans(fragment_b, &tile_b[lane % 16][0]);
  } else {
    ptx::ldmatrix_x2(fragment_b, &tile_b[lane % 8][lane / 8 % 2 * 8]);
  }
  float d[4] = {};
  ptx::mma_bf16(d, fragment_a, fragment_b);
  for (unsigned i = 0; i < 4; ++i) {
    out[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = d[i];
  }
}

__global__ void mma_tf32_kernel(const float* a, const float* b, float* out) {
  const unsigned g = threadIdx.x / 4;
  const unsigned t = threadIdx.x % 4;
  const std::uint32_t fragment_a[4] = {ptx::to_tf32(a[g * 8 + t]), ptx::to_tf32(a[(g + 8) * 8 + t]),
                                       ptx::to_tf32(a[g * 8 + t + 4]),
                                       ptx::to_tf32(a[(g + 8) * 8 + t + 4])};
  const std::uint32_t fragment_b[2] = {ptx::to_tf32(b[g * 8 + t]), ptx::to_tf32(b[g * 8 + t + 4])};
  float d[4] = {};
  ptx::mma_tf32(d, fragment_a, fragment_b);
  for (unsigned i = 0; i < 4; ++i) {
    out[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = d[i];
  }
}

__global__ void async_copy_kernel(const float* in, float* out, int count, bool wait) {
  ACCRETE_DYNAMIC_SHARED(bytes);
  auto* values = reinterpret_cast<float*>(bytes);
  const int i = static_cast<int>(threadIdx.x) * 4;
  for (int k = 0; k < 4; ++k) {
    ptx::cp_async_4(values + 128 + i + k, in, false);
  }
  ptx::cp_async_commit();
  ptx::cp_async_16(values + i, i < count ? in + i : in, i < count);
  ptx::cp_async_commit();
  if (wait) {
    ptx::cp_async_wait<0>();
  } else {
    ptx::cp_async_wait<1>();
  }
  for (int k = 0; k < 4; ++k) {
    out[i + k] = values[i + k];
  }
}

__global__ void read_uninitialised(float* out) {
  ACCRETE_SHARED_ARRAY(float, values, [32]);
  out[threadIdx.x] = values[threadIdx.x];
}

unsigned extent(int value) {
  return static_cast<unsigned>(value);
}

}  // namespace

void launch_neighbour_sum(const Stream& stream, const float* in, float* out, int blocks,
                          int threads, bool barrier) {
  launch(stream, "neighbour_sum", &neighbour_sum, {extent(blocks), extent(threads)}, in, out,
         barrier);
}

void launch_block_sum(const Stream& stream, const float* in, float* out, int blocks, int threads) {
  launch(stream, "block_sum", &block_sum, {extent(blocks), extent(threads)}, in, out);
}

void launch_partial_ballot(const Stream& stream, const int* in, std::uint32_t* out) {
  launch(stream, "partial_ballot", &partial_ballot, {1, 32}, in, out);
}

void launch_misuse(const Stream& stream, Misuse misuse) {
  launch(stream, "misuse", &misuse_kernel, {2, 64}, misuse);
}

void launch_mma_bf16(const Stream& stream, const float* a, const float* b, float* out,
                     bool transposed_b) {
  launch(stream, "mma_bf16", &mma_bf16_kernel, {1, 32}, a, b, out, transposed_b);
}

void launch_mma_tf32(const Stream& stream, const float* a, const float* b, float* out) {
  launch(stream, "mma_tf32", &mma_tf32_kernel, {1, 32}, a, b, out);
}

void launch_async_copy(const Stream& stream, const float* in, float* out, int count, bool wait) {
  launch(stream, "async_copy", &async_copy_kernel, {1, 32, 2 * 32 * 16}, in, out, count, wait);
}

void launch_read_uninitialised(const Stream& stream, float* out) {
  launch(stream, "read_uninitialised", &read_uninitialised, {1, 32}, out);
}

}  // namespace accrete::test
