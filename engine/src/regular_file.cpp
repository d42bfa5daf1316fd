// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "accrete/kernels/error.h"

namespace accrete {

RegularFile::Descriptor::~Descriptor() {
  if (number >= 0) {
    close(number);
  }
}

// Without O_NONBLOCK, opening a pipe that nobody writes to would wait for a writer.
RegularFile::RegularFile(std::string path)
    : path_(std::move(path)), descriptor_{open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {
  struct stat status = {};
  if (descriptor_.number < 0 || fstat(descriptor_.number, &status) != 0) {
    fail(std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    fail("it is a folder, a pipe or a device");
  }
  bytes_ = static_cast<std::size_t>(status.st_size);
}

void RegularFile::fail(const std::string& reason) const {
  throw Error(ErrorCode::io, "cannot read " + path_ + ": " + reason +
                                 "; check that it is a file, exists and is readable");
}

void RegularFile::read(void* to, std::size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::read(descriptor_.number, at, bytes);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      fail(got < 0 ? std::strerror(errno) : "it has become shorter meanwhile");
    }
    at += got;
    bytes -= static_cast<std::size_t>(got);
    read_ += static_cast<std::size_t>(got);
  }
}

std::string RegularFile::read_text() {
  std::string text(bytes_ - read_, '\0');
  read(text.data(), text.size());
  return text;
}

}  // namespace accrete
