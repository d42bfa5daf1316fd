// SPDX-License-Identifier: Apache-2.0
#include "support/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/catch.h"
#include "support/sanitizers.h"

namespace {

std::atomic<std::int64_t> count{0};
std::atomic<std::size_t> largest{0};
std::atomic<std::size_t> refused_from{SIZE_MAX};

}  // namespace

#ifndef ACCRETE_TEST_THREAD_SANITIZER

namespace {

// Without an alignment of its own if that is 0.
void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  count.fetch_add(1);
  std::size_t known = largest.load();
  while (bytes > known && !largest.compare_exchange_weak(known, bytes)) {
  }
  if (bytes >= refused_from.load()) {
    return nullptr;
  }
  const std::size_t some = bytes > 0 ? bytes : 1;
  return alignment == 0 ? std::malloc(some) : std::aligned_alloc(alignment, some);
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment = 0) {
  if (void* memory = allocate(bytes, alignment)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

// All that is not replaced here would be another allocator's to release.
void* operator new(std::size_t bytes) {
  return allocate_or_throw(bytes);
}
void* operator new[](std::size_t bytes) {
  return allocate_or_throw(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  return allocate(bytes, 0);
}
void* operator new[](std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  return allocate(bytes, 0);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*bytes*/,
                       std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
  std::free(memory);
}
#endif

namespace accrete::test {

bool knows_allocations() {
  if (kHasThreadSanitizer) {
    WARN("not tried: ThreadSanitizer replaces operator new itself");
  }
  return !kHasThreadSanitizer;
}

std::int64_t count_allocations() {
  return count.load();
}

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
