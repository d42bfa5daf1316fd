// SPDX-License-Identifier: Apache-2.0
// The functions that code compiled with -fsanitize=thread calls on every access to memory. They
// take the place of ThreadSanitizer's runtime, which knows OS threads only and is not linked.
#include <cstddef>
#include <cstring>

#include "race_detector.h"

using simt::race::Kind;

namespace {

inline void on_access(const void* address, std::size_t bytes, Kind kind, const void* code) {
  simt::race::Detector* detector = simt::race::watching;
  if (detector != nullptr) {
    simt::race::watching = nullptr;  // the detector calls memset, too
    detector->access(address, bytes, kind, code);
    simt::race::watching = detector;
  }
}

}  // namespace

// The names are the compilers' interface. NOLINTBEGIN
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void* /*caller*/) {}
void __tsan_func_exit() {}

#define SIMT_ACCESS(bytes)                                               \
  void __tsan_read##bytes(void* address) {                               \
    on_access(address, bytes, Kind::read, __builtin_return_address(0));  \
  }                                                                      \
  void __tsan_write##bytes(void* address) {                              \
    on_access(address, bytes, Kind::write, __builtin_return_address(0)); \
  }                                                                      \
  void __tsan_unaligned_read##bytes(void* address) {                     \
    on_access(address, bytes, Kind::read, __builtin_return_address(0));  \
  }                                                                      \
  void __tsan_unaligned_write##bytes(void* address) {                    \
    on_access(address, bytes, Kind::write, __builtin_return_address(0)); \
  }
SIMT_ACCESS(1)
SIMT_ACCESS(2)
SIMT_ACCESS(4)
SIMT_ACCESS(8)
SIMT_ACCESS(16)
#undef SIMT_ACCESS

void __tsan_read_range(void* address, std::size_t bytes) {
  on_access(address, bytes, Kind::read, __builtin_return_address(0));
}
void __tsan_write_range(void* address, std::size_t bytes) {
  on_access(address, bytes, Kind::write, __builtin_return_address(0));
}
void __tsan_vptr_read(void** address) {
  on_access(address, sizeof(void*), Kind::read, __builtin_return_address(0));
}
void __tsan_vptr_update(void** address, void* /*value*/) {
  on_access(address, sizeof(void*), Kind::write, __builtin_return_address(0));
}

// Compilers leave these to the runtime, and clang turns copies of structures into them. The linker
// sends all calls of the program here (--wrap).
void* __real_memcpy(void* to, const void* from, std::size_t bytes);
void* __real_memmove(void* to, const void* from, std::size_t bytes);
void* __real_memset(void* to, int value, std::size_t bytes);

void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) {
  on_access(from, bytes, Kind::read, __builtin_return_address(0));
  on_access(to, bytes, Kind::write, __builtin_return_address(0));
  return __real_memcpy(to, from, bytes);
}
void* __wrap_memmove(void* to, const void* from, std::size_t bytes) {
  on_access(from, bytes, Kind::read, __builtin_return_address(0));
  on_access(to, bytes, Kind::write, __builtin_return_address(0));
  return __real_memmove(to, from, bytes);
}
void* __wrap_memset(void* to, int value, std::size_t bytes) {
  on_access(to, bytes, Kind::write, __builtin_return_address(0));
  return __real_memset(to, value, bytes);
}

}  // extern "C"
// NOLINTEND
