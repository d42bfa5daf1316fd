// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "accrete/kernels/error.h"

namespace accrete {

Arena::Arena(std::int64_t bytes) : bytes_(bytes) {
  if (bytes <= 0) {
    return;
  }
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t payload = (static_cast<std::size_t>(bytes) + page - 1) / page * page;
  mapping_bytes_ = payload + kHugePage + page;
  void* mapping = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    mapping_bytes_ = 0;
    throw Error(ErrorCode::out_of_memory, "[arena] the system refused " +
                                              std::to_string(bytes >> 20) +
                                              " MiB of memory; use a smaller batch size");
  }
  mapping_ = mapping;
  const auto start = reinterpret_cast<std::uintptr_t>(mapping);
  base_ = reinterpret_cast<std::byte*>((start + kHugePage - 1) / kHugePage * kHugePage);
  // Advice only: where it is refused the run is slower, not wrong.
  madvise(base_, payload, MADV_HUGEPAGE);
  if (mprotect(base_ + payload, page, PROT_NONE) != 0) {
    release();
    throw Error(ErrorCode::out_of_memory, "[arena] cannot protect the guard page");
  }
}

Arena::~Arena() {
  release();
}

Arena::Arena(Arena&& other) noexcept {
  *this = std::move(other);
}

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this != &other) {
    release();
    base_ = std::exchange(other.base_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    mapping_ = std::exchange(other.mapping_, nullptr);
    mapping_bytes_ = std::exchange(other.mapping_bytes_, 0);
  }
  return *this;
}

void Arena::release() noexcept {
  if (mapping_ != nullptr) {
    munmap(mapping_, mapping_bytes_);
    mapping_ = nullptr;
    base_ = nullptr;
  }
}

}  // namespace accrete
