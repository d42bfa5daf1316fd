// SPDX-License-Identifier: Apache-2.0
#include "byte_source.h"

#include <algorithm>

#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::data, path + " cannot be read: " + why);
}

}  // namespace

FileSource::FileSource(const std::string& path) : file_(path, &refuse) {}

std::size_t MemorySource::read(void* target, std::size_t bytes) {
  const std::size_t count = std::min(bytes, left_);
  std::copy_n(at_, count, static_cast<unsigned char*>(target));
  at_ += count;
  left_ -= count;
  return count;
}

}  // namespace accrete::data
