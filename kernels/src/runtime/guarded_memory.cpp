// SPDX-License-Identifier: Apache-2.0
#include "runtime/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "accrete/kernels/error.h"

namespace accrete::kernels::cpu {

namespace {

[[noreturn]] void refuse(std::int64_t bytes) {
  throw Error(ErrorCode::out_of_memory, "[memory] the system refused " +
                                            std::to_string(bytes >> 20) +
                                            " MiB of memory; use a smaller batch size");
}

}  // namespace

GuardedMemory::GuardedMemory(std::int64_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  constexpr std::int64_t kAddressSpace = std::int64_t{1} << 62;  // roundings below cannot wrap
  if (bytes < 0 || bytes > kAddressSpace) {
    refuse(bytes);
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t payload = (static_cast<std::size_t>(bytes) + page - 1) / page * page;
  mapping_bytes_ = payload + kHugePage + page;
  void* mapping = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    refuse(bytes);
  }
  mapping_ = mapping;
  const auto start = reinterpret_cast<std::uintptr_t>(mapping);
  data_ = reinterpret_cast<std::byte*>((start + kHugePage - 1) / kHugePage * kHugePage);
  // Advice only: where it is refused the run is slower, not wrong.
  madvise(data_, payload, MADV_HUGEPAGE);
  if (mprotect(data_ + payload, page, PROT_NONE) != 0) {
    munmap(mapping_, mapping_bytes_);
    throw Error(ErrorCode::out_of_memory, "[memory] cannot protect the guard page");
  }
}

GuardedMemory::~GuardedMemory() {
  munmap(mapping_, mapping_bytes_);
}

}  // namespace accrete::kernels::cpu
