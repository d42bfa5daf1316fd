// SPDX-License-Identifier: Apache-2.0
#include "support/test_memory.h"

#include <cstring>
#include <new>

namespace accrete::test {
namespace {

constexpr std::align_val_t kAlignment{256};

void copy(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

}  // namespace

MemorySpace host_memory_space() {
  return {{},
          [](std::size_t bytes) { return ::operator new(bytes, kAlignment); },
          [](void* memory) { ::operator delete(memory, kAlignment); },
          &copy,
          &copy};
}

MemorySpace& memory_space() {
  static MemorySpace space = host_memory_space();
  return space;
}

TestMemory::TestMemory(std::size_t bytes)
    : bytes_(bytes), memory_(static_cast<unsigned char*>(memory_space().allocate(bytes))) {}

void TestMemory::write(const std::vector<unsigned char>& bytes) {
  memory_space().copy_in(address(), bytes.data(), bytes.size());
}

std::vector<unsigned char> TestMemory::read() const {
  std::vector<unsigned char> bytes(bytes_);
  memory_space().copy_out(bytes.data(), address(), bytes_);
  return bytes;
}

}  // namespace accrete::test
