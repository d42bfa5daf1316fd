// SPDX-License-Identifier: Apache-2.0
// The one allocation of a run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete {

/// Zeroed memory that ends at a guard page: a kernel that runs over the plan faults at once
/// instead of corrupting something. Huge pages are asked for where the system has them.
class Arena {
 public:
  Arena() = default;
  /// Error(out_of_memory) with the size and the cure if the system refuses.
  explicit Arena(std::int64_t bytes);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::byte* at(std::int64_t offset) const { return base_ + offset; }
  std::int64_t bytes() const { return bytes_; }

 private:
  void release() noexcept;

  std::byte* base_ = nullptr;
  std::int64_t bytes_ = 0;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
};

}  // namespace accrete
