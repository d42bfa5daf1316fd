// SPDX-License-Identifier: Apache-2.0
// Small kernels, each about one thing the executor does, and how to launch them.
#pragma once

#include <cstdint>

#include "accrete/kernels/stream.h"

namespace accrete::test {

/// out[i] = a * in[i] + in[i + 1 of the block, cyclic], through shared memory. With `barrier` false
/// the barrier between write and read is missing.
void launch_neighbour_sum(const Stream& stream, const float* in, float* out, int blocks,
                          int threads, bool barrier);

/// out[block] = sum of in over the block: shuffles within warps, shared memory across them.
void launch_block_sum(const Stream& stream, const float* in, float* out, int blocks, int threads);

/// out[lane] = ballot of odd values over a partial mask of the even lanes.
void launch_partial_ballot(const Stream& stream, const int* in, std::uint32_t* out);

enum class Misuse : std::uint8_t {
  divergent_barrier,    ///< two call sites of __syncthreads
  exit_before_barrier,  ///< half of the threads return, the others wait
  missing_lane,         ///< a full-mask shuffle that lane 3 does not reach
  outside_mask,         ///< a shuffle by a lane that is not in its mask
  absent_source,        ///< a shuffle from a lane that is not in the mask
  misaligned_copy,      ///< cp.async of 16 bytes to a multiple of 4
};
void launch_misuse(const Stream& stream, Misuse misuse);

/// out [16,8] = a [16,k] * b [8,k]^T by one warp with ldmatrix and mma; k is 16 (bf16 as floats on
/// the way in and out) or 8 (tf32).
void launch_mma_bf16(const Stream& stream, const float* a, const float* b, float* out,
                     bool transposed_b);
void launch_mma_tf32(const Stream& stream, const float* a, const float* b, float* out);

/// out[i] = in[i], by cp.async through shared memory; with `wait` false the wait is missing.
void launch_async_copy(const Stream& stream, const float* in, float* out, int count, bool wait);

/// out = what shared memory holds at the start of a block.
void launch_read_uninitialised(const Stream& stream, float* out);

}  // namespace accrete::test
