// SPDX-License-Identifier: Apache-2.0
// Zeroed memory that ends at a guard page.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete::kernels::cpu {

class GuardedMemory {
 public:
  /// Error(out_of_memory) with the size and the cure if the system refuses.
  explicit GuardedMemory(std::int64_t bytes);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
};

}  // namespace accrete::kernels::cpu
