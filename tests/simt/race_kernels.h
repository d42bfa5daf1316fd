// SPDX-License-Identifier: Apache-2.0
// Small kernels with and without data races, each about one rule of what is ordered.
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/stream.h"

namespace accrete::test {

enum class Pattern : std::uint8_t {
  // ordered
  neighbour_behind_barrier,
  refill_behind_barrier,
  neighbour_behind_syncwarp,
  halves_of_a_word,
  bytes_of_a_word,
  atomic_sum,
  copy_own,             ///< cp.async, wait, read by the same thread
  copy_behind_barrier,  ///< cp.async, wait, barrier, read by another
  matrix_behind_barrier,
  last_block,  ///< barrier, release, fence, barrier; the last block reads what both have left
  // races
  neighbour,
  refill,                  ///< the barrier between reading and writing anew is missing
  neighbour_by_shuffle,    ///< a shuffle stands where a __syncwarp should
  neighbour_outside_mask,  ///< __syncwarp of the lower half warp, read by the upper half
  neighbour_warp,          ///< __syncwarp where a barrier should stand
  same_half_of_a_word,
  blocks,  ///< two blocks write the same element
  plain_sum,
  atomic_and_plain,
  copy_no_wait,
  copy_no_barrier,
  copy_wait_late,  ///< barrier before the wait instead of behind it
  copy_refill,     ///< cp.async into what another thread still reads
  copy_source,     ///< another thread writes what is being copied
  matrix_no_barrier,
  last_block_no_release,  ///< the ticket is drawn by an atomic that releases nothing
  last_block_no_acquire,  ///< the fence behind it is missing
  last_block_no_barrier,  ///< the ticket may be drawn before other threads have written
  first_block,            ///< the first block to draw a ticket reads
};

/// The element of `words` that must be zero before each launch.
constexpr std::size_t kTicket = 192;
/// Two blocks of 64 threads. `words` has 384 elements.
void launch_pattern(const Stream& stream, Pattern pattern, std::uint32_t* words);

}  // namespace accrete::test
