// SPDX-License-Identifier: Apache-2.0
#include "allocations.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> largest{0};
std::atomic<std::size_t> refused_from{SIZE_MAX};

}  // namespace

// All that is not replaced here would be another allocator's to release.
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  std::size_t known = largest.load();
  while (bytes > known && !largest.compare_exchange_weak(known, bytes)) {
  }
  return bytes < refused_from.load() ? std::malloc(bytes > 0 ? bytes : 1) : nullptr;
}

void* operator new(std::size_t bytes) {
  void* memory = operator new(bytes, std::nothrow);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}

void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
  return operator new(bytes, tag);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}

void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}

void operator delete[](void* memory) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}

namespace accrete::test {

std::size_t take_largest_allocation() {
  return largest.exchange(0);
}

AllocationLimit::AllocationLimit(std::size_t bytes) {
  refused_from = bytes;
}

AllocationLimit::~AllocationLimit() {
  refused_from = SIZE_MAX;
}

}  // namespace accrete::test
