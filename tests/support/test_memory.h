// SPDX-License-Identifier: Apache-2.0
// Memory of the device under test. Kernels get addresses in it; a test reads and writes it by
// copies only, so that the same test runs where the host cannot touch that memory.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "accrete/kernels/tensor_view.h"

namespace accrete::test {

/// Where memory comes from. Copies happen after all calls queued so far, on whatever stream.
struct MemorySpace {
  Device device;
  void* (*allocate)(std::size_t bytes);  ///< at a multiple of 256 bytes
  void (*release)(void* memory);
  void (*copy_in)(void* memory, const void* host, std::size_t bytes);
  void (*copy_out)(void* host, const void* memory, std::size_t bytes);
};

/// Host memory and the CPU.
MemorySpace host_memory_space();

/// The space of all memory below: the host's until a backend chooses another, before main().
MemorySpace& memory_space();

class TestMemory {
 public:
  explicit TestMemory(std::size_t bytes);

  std::size_t bytes() const { return bytes_; }
  unsigned char* address() const { return memory_.get(); }
  void write(const std::vector<unsigned char>& bytes);
  std::vector<unsigned char> read() const;

 private:
  struct Release {
    void operator()(unsigned char* memory) const { memory_space().release(memory); }
  };
  std::size_t bytes_;
  std::unique_ptr<unsigned char, Release> memory_;
};

}  // namespace accrete::test
