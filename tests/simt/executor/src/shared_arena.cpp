// SPDX-License-Identifier: Apache-2.0
#include "shared_arena.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "asan.h"

#if !defined(SIMT_ASAN)
#define ASAN_POISON_MEMORY_REGION(address, bytes) (void)(address)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (void)(address)
#endif

namespace simt {
namespace {

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

SharedArena::SharedArena()
    : memory_(static_cast<unsigned char*>(std::aligned_alloc(1024, kMemoryBytes))) {
  if (memory_ == nullptr) {
    throw std::bad_alloc();
  }
}

SharedArena::~SharedArena() {
  ASAN_UNPOISON_MEMORY_REGION(memory_, kMemoryBytes);
  std::free(memory_);
}

void SharedArena::begin_launch(std::size_t dynamic_bytes, std::size_t limit) {
  most_static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  limit_ = limit;
}

void SharedArena::begin_block() {
  ASAN_UNPOISON_MEMORY_REGION(memory_, kMemoryBytes);
  // Of the last block, and as much as a first one may overrun.
  std::memset(memory_, 0xFF, used_ + dynamic_bytes_ + 2 * kRedZone);
  ASAN_POISON_MEMORY_REGION(memory_, kMemoryBytes);
  used_ = kRedZone;
  static_bytes_ = 0;
  arrays_.clear();
  dynamic_ = dynamic_bytes_ > 0 ? static_cast<unsigned char*>(take(dynamic_bytes_, 128)) : nullptr;
}

void* SharedArena::take(std::size_t bytes, std::size_t alignment) {
  const std::size_t offset = round_up(used_, alignment < 16 ? 16 : alignment);
  used_ = round_up(offset + bytes, 16) + kRedZone;
  unsigned char* data = memory_ + offset;
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
  std::memset(data, 0xFF, bytes);
  return data;
}

void* SharedArena::array(const void* key, std::size_t bytes, std::size_t alignment) {
  for (const Array& known : arrays_) {
    if (known.key == key) {
      return known.data;
    }
  }
  static_bytes_ = round_up(static_bytes_, alignment) + bytes;
  most_static_bytes_ = std::max(most_static_bytes_, static_bytes_);
  if (static_bytes_ + dynamic_bytes_ > limit_) {
    return nullptr;
  }
  void* data = take(bytes, alignment);
  arrays_.push_back({key, data});
  return data;
}

}  // namespace simt
