// SPDX-License-Identifier: Apache-2.0
#include "host_memory.h"

#include "accrete/kernels/available_memory.h"
#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

}  // namespace

std::string mebibytes(std::int64_t bytes) {
  return std::to_string(bytes / kMebibyte + (bytes % kMebibyte != 0 ? 1 : 0)) + " MiB";
}

void require_memory(std::int64_t bytes, const std::string& what, const std::string& cure) {
  if (bytes <= kMebibyte) {  // not worth a look at the system's books
    return;
  }
  const std::int64_t available = available_memory_bytes();
  if (bytes > available) {
    throw Error(ErrorCode::out_of_memory, what + " needs " + mebibytes(bytes) + " of memory, " +
                                              mebibytes(available) + " can be had; " + cure);
  }
}

void refuse_memory(const std::string& what) {
  throw Error(ErrorCode::out_of_memory, "the system refuses the memory for " + what +
                                            "; end other programs or use fewer or smaller images");
}

}  // namespace accrete::data
