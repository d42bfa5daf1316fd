// SPDX-License-Identifier: Apache-2.0
#include "byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::data, path + " cannot be read: " + why);
}

int open_or_throw(const std::string& path) {
  if (const std::size_t zero = path.find('\0'); zero != std::string::npos) {
    refuse(path.substr(0, zero), "a zero byte follows in its name");
  }
  // Without O_NONBLOCK a pipe without a writer would never be opened.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    refuse(path, std::strerror(errno));
  }
  return descriptor;
}

// Empty if a file of this mode can be read from its beginning to its end.
std::string objection_to(mode_t mode) {
  if (S_ISREG(mode)) {
    return {};
  }
  return S_ISDIR(mode) ? "it is a folder, not a file"
                       : "it is a pipe, a device or a socket, not a regular file";
}

}  // namespace

FileSource::FileSource(const std::string& path) : path_(path), descriptor_(open_or_throw(path)) {
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  const std::string objection = known ? objection_to(status.st_mode) : std::strerror(errno);
  if (!objection.empty()) {
    ::close(descriptor_);
    refuse(path, objection);
  }
  size_ = status.st_size;
  left_ = static_cast<std::size_t>(size_);
}

FileSource::~FileSource() {
  ::close(descriptor_);
}

std::size_t FileSource::read(void* target, std::size_t bytes) {
  // What the kernel generates while it is read has no length: it is never waited for.
  const std::size_t wanted = std::min(bytes, left_);
  while (true) {
    const ssize_t got = ::read(descriptor_, target, wanted);
    if (got >= 0) {
      left_ -= static_cast<std::size_t>(got);
      return static_cast<std::size_t>(got);
    }
    if (errno != EINTR) {
      refuse(path_, std::strerror(errno));
    }
  }
}

std::size_t MemorySource::read(void* target, std::size_t bytes) {
  const std::size_t count = std::min(bytes, left_);
  std::copy_n(at_, count, static_cast<unsigned char*>(target));
  at_ += count;
  left_ -= count;
  return count;
}

}  // namespace accrete::data
