// SPDX-License-Identifier: Apache-2.0
#include "simt/race_kernels.h"

#include "cuda/bf16.cuh"
#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"

namespace accrete::test {
namespace {

using namespace kernels::cuda;

// Every thread writes its word and reads one `step` further, with `order` between.
template <class Order>
__device__ std::uint32_t exchange(std::uint32_t (&words)[64], unsigned step, const Order& order) {
  words[threadIdx.x] = threadIdx.x;
  order();
  return words[(threadIdx.x + step) % 64];
}

__device__ std::uint32_t exchange_in_shared(Pattern pattern) {
  ACCRETE_SHARED_ARRAY(std::uint32_t, words, [64]);
  constexpr std::uint32_t kAll = 0xFFFFFFFFU;
  const unsigned lane = threadIdx.x % 32;
  std::uint32_t got = 0;
  switch (pattern) {
    case Pattern::neighbour_behind_barrier:
      return exchange(words, 1, [] { __syncthreads(); });
    case Pattern::neighbour:
      return exchange(words, 1, [] {});
    case Pattern::refill_behind_barrier:
      got = exchange(words, 1, [] { __syncthreads(); });
      __syncthreads();
      words[threadIdx.x] = got;
      return got;
    case Pattern::refill:
      got = exchange(words, 1, [] { __syncthreads(); });
      words[threadIdx.x] = got;
      return got;
    case Pattern::neighbour_behind_syncwarp:
      words[threadIdx.x] = lane;
      __syncwarp();
      got = words[threadIdx.x ^ 1U];
      __syncwarp();
      words[threadIdx.x] = got;
      return got;
    case Pattern::neighbour_by_shuffle:
      words[threadIdx.x] = lane;
      __shfl_xor_sync(kAll, lane, 1);
      return words[threadIdx.x ^ 1U];
    case Pattern::neighbour_outside_mask:
      words[threadIdx.x] = lane;
      if (lane < 16) {
        __syncwarp(0xFFFFU);
      }
      return words[threadIdx.x ^ 16U];
    default:  // neighbour_warp
      return exchange(words, 32, [] { __syncwarp(); });
  }
}

__device__ void parts_of_words(Pattern pattern, std::uint32_t* words) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (pattern == Pattern::bytes_of_a_word) {
    reinterpret_cast<std::uint8_t*>(words)[i] = static_cast<std::uint8_t>(i);
  } else {
    const unsigned half = pattern == Pattern::same_half_of_a_word ? i / 2 * 2 : i;
    reinterpret_cast<bf16*>(words)[half] = to_bf16(static_cast<float>(i));
  }
}

__device__ void sums(Pattern pattern, std::uint32_t* words) {
  if (pattern == Pattern::blocks) {
    words[threadIdx.x] = 1;
  } else if (pattern == Pattern::plain_sum) {
    words[threadIdx.x % 2] += 1;
  } else if (pattern == Pattern::atomic_and_plain && threadIdx.x == 63) {
    words[0] = 0;
  } else {
    atomicAdd(&words[threadIdx.x % 2], 1U);
  }
}

__device__ std::uint32_t copies(Pattern pattern, std::uint32_t* words) {
  ACCRETE_SHARED_ARRAY(std::uint32_t, copied, [64]);
  const unsigned i = threadIdx.x;
  const unsigned other = (i + 1) % 64;
  std::uint32_t got = 0;
  if (pattern == Pattern::copy_refill) {
    copied[i] = i;
    __syncthreads();
    got = copied[other];
  }
  ptx::cp_async_4(&copied[i], words + i, true);
  ptx::cp_async_commit();
  if (pattern == Pattern::copy_source) {
    words[other] = 0;
  }
  if (pattern == Pattern::copy_wait_late) {
    __syncthreads();
  }
  if (pattern != Pattern::copy_no_wait) {
    ptx::cp_async_wait<0>();
  }
  if (pattern == Pattern::copy_behind_barrier) {
    __syncthreads();
  }
  const bool own = pattern == Pattern::copy_own || pattern == Pattern::copy_no_wait;
  return got + copied[own ? i : other];
}

__device__ std::uint32_t matrices(Pattern pattern) {
  ACCRETE_SHARED_ARRAY(std::uint32_t, rows, [64][4]);
  for (unsigned word = 0; word < 4; ++word) {
    rows[threadIdx.x][word] = word;
  }
  if (pattern == Pattern::matrix_behind_barrier) {
    __syncthreads();
  }
  std::uint32_t fragment[4];
  ptx::ldmatrix_x4(fragment, rows[threadIdx.x]);
  return fragment[0] + fragment[3];
}

// Both blocks leave a word per thread, and one of them adds up.
__device__ std::uint32_t tickets(Pattern pattern, std::uint32_t* words, std::uint32_t* left) {
  ACCRETE_SHARED_ARRAY(std::uint32_t, drawn, [1]);
  left[blockIdx.x * blockDim.x + threadIdx.x] = threadIdx.x;
  if (pattern != Pattern::last_block_no_barrier) {
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    drawn[0] = pattern == Pattern::last_block_no_release ? atomicAdd(words, 1U)
                                                         : ptx::increment_release(words, 1);
    if (pattern != Pattern::last_block_no_acquire) {
      ptx::fence_acq_rel();
    }
  }
  __syncthreads();
  const std::uint32_t reads = pattern == Pattern::first_block ? 0 : 1;
  return drawn[0] == reads ? left[threadIdx.x] + left[64 + threadIdx.x] : 0;
}

__global__ void pattern_kernel(Pattern pattern, std::uint32_t* words) {
  std::uint32_t* mine = words + 64 + (blockIdx.x * blockDim.x + threadIdx.x);
  switch (pattern) {
    case Pattern::halves_of_a_word:
    case Pattern::bytes_of_a_word:
    case Pattern::same_half_of_a_word:
      parts_of_words(pattern, words);
      break;
    case Pattern::blocks:
    case Pattern::plain_sum:
    case Pattern::atomic_sum:
    case Pattern::atomic_and_plain:
      sums(pattern, words);
      break;
    case Pattern::copy_own:
    case Pattern::copy_behind_barrier:
    case Pattern::copy_no_wait:
    case Pattern::copy_no_barrier:
    case Pattern::copy_wait_late:
    case Pattern::copy_refill:
    case Pattern::copy_source:
      *mine = copies(pattern, words);
      break;
    case Pattern::matrix_behind_barrier:
    case Pattern::matrix_no_barrier:
      *mine = matrices(pattern);
      break;
    case Pattern::last_block:
    case Pattern::last_block_no_release:
    case Pattern::last_block_no_acquire:
    case Pattern::last_block_no_barrier:
    case Pattern::first_block:
      *mine = tickets(pattern, words + kTicket, words + 256);
      break;
    default:
      *mine = exchange_in_shared(pattern);
  }
}

}  // namespace

void launch_pattern(const Stream& stream, Pattern pattern, std::uint32_t* words) {
  launch(stream, "pattern", &pattern_kernel, {2, 64}, pattern, words);
}

}  // namespace accrete::test
