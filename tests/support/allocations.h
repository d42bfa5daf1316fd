// SPDX-License-Identifier: Apache-2.0
// What a test executable allocates with new: how often, how much at once, and from when on in vain.
// Replaces the global operator new; the objects of test_allocations must be among the sources.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete::test {

/// False, and said so in the test's output, under ThreadSanitizer: it replaces operator new itself,
/// and what is below knows of no allocation and refuses none.
bool knows_allocations();

/// How many there were, on any thread, so far.
std::int64_t count_allocations();

/// The largest allocation, on any thread, since the last call.
std::size_t take_largest_allocation();

/// While it lives, allocations of `bytes` and more fail, on every thread.
class AllocationLimit {
 public:
  explicit AllocationLimit(std::size_t bytes);
  ~AllocationLimit();
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
};

}  // namespace accrete::test
