// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "accrete/kernels/error.h"

namespace accrete {

void refuse_file(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::io, "cannot read " + path + ": " + reason +
                                 "; check that it is a file, exists and is readable");
}

int RegularFile::open_path() const {
  if (const std::size_t zero = path_.find('\0'); zero != std::string::npos) {
    refuse_(path_.substr(0, zero), "a zero byte follows in its name");
  }
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for a writer.
  return open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

RegularFile::RegularFile(std::string path, RefuseFile refuse)
    : path_(std::move(path)), refuse_(std::move(refuse)), descriptor_(open_path()) {
  struct stat status = {};
  if (!descriptor_.is_open() || fstat(descriptor_.number(), &status) != 0) {
    fail(std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    fail("it is a folder, a pipe or a device, not a regular file");
  }
  bytes_ = left_ = static_cast<std::size_t>(status.st_size);
}

void RegularFile::fail(const std::string& reason) const {
  refuse_(path_, reason);
  throw Error(ErrorCode::internal, "[regular_file] the refusal of " + path_ + " did not throw");
}

std::size_t RegularFile::read_some(void* to, std::size_t bytes) {
  // What the kernel generates while it is read has no length: it is never waited for.
  const std::size_t wanted = std::min(bytes, left_);
  const ssize_t got = uninterrupted([&] { return ::read(descriptor_.number(), to, wanted); });
  if (got < 0) {
    fail(std::strerror(errno));
  }
  left_ -= static_cast<std::size_t>(got);
  return static_cast<std::size_t>(got);
}

void RegularFile::read(void* to, std::size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const std::size_t got = read_some(at, bytes);
    if (got == 0) {
      fail("it has become shorter meanwhile");
    }
    at += got;
    bytes -= got;
  }
}

std::string RegularFile::read_text() {
  std::string text(left_, '\0');
  read(text.data(), text.size());
  return text;
}

}  // namespace accrete
