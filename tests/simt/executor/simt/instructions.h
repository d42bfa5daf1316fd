// SPDX-License-Identifier: Apache-2.0
// Emulation of the PTX instructions that cuda/ptx.cuh wraps.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simt {

/// Queues a copy of 4, 8 or 16 bytes to shared memory, or of zeros when not `valid`.
void async_copy(void* shared, const void* global, std::size_t bytes, bool valid);
void async_commit();
/// Completes all but the newest `pending` committed groups of this thread.
void async_wait(int pending);

/// d[i] = this lane's two elements of matrix i, whose row r lane 8 * i + r points to.
void load_matrices(std::uint32_t* d, int count, bool transposed, const void* row);

void mma_bf16(float* d, const std::uint32_t* a, const std::uint32_t* b);
void mma_tf32(float* d, const std::uint32_t* a, const std::uint32_t* b);
/// Rounds to 10 mantissa bits, to nearest with ties away from zero.
std::uint32_t to_tf32(float value);
/// Two floats as bf16, to nearest with ties to even, `low` in the lower half; NaN becomes 0x7FFF.
std::uint32_t to_bf16x2(float low, float high);
/// The same, and below zero becomes +0.
std::uint32_t to_bf16x2_relu(float low, float high);

/// 0 from `limit` on, else one more; returns what it was. What the thread has written or knows to
/// be written comes before it.
std::uint32_t increment_release(std::uint32_t* counter, std::uint32_t limit);
/// What atomics before it have heard comes before what follows, and what the thread has written
/// before the atomics that follow.
void fence_acq_rel();

}  // namespace simt
