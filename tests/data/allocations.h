// SPDX-License-Identifier: Apache-2.0
// What a test executable allocates with new: how much at once, and from when on in vain. Replaces
// the global operator new.
#pragma once

#include <cstddef>

namespace accrete::test {

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
