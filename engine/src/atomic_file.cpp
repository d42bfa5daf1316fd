// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "accrete/kernels/error.h"
#include "accrete/kernels/file_descriptor.h"

namespace accrete {
namespace {

constexpr mode_t kMode = 0644;  // less what the umask takes

[[noreturn]] void fail(const char* action, const std::string& path) {
  throw Error(ErrorCode::io, std::string("cannot ") + action + " " + path + ": " +
                                 std::strerror(errno) +
                                 "; check that the folder exists, is writable and has space");
}

FileDescriptor open_for_writing(const std::string& path, int flags) {
  return FileDescriptor(uninterrupted([&] {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, kMode);
  }));
}

bool write_all(int descriptor, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = uninterrupted([&] { return ::write(descriptor, at, bytes); });
    if (written <= 0) {
      errno = written == 0 ? ENOSPC : errno;
      return false;
    }
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

bool flush(int descriptor) {
  return uninterrupted([&] { return fsync(descriptor); }) == 0;
}

void rename_durably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    fail("rename", from);
  }
  flush_folder_of(to);
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(temporary_of(path_)) {
  unlink(temporary_.c_str());
  descriptor_ = open_for_writing(temporary_, O_EXCL);
  if (!descriptor_.is_open()) {
    fail("create", temporary_);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_.is_open()) {
    unlink(temporary_.c_str());
  }
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  if (!write_all(descriptor_.number(), data, bytes)) {
    fail("write", temporary_);
  }
}

void AtomicFile::commit() {
  if (!flush(descriptor_.number())) {
    fail("flush", temporary_);
  }
  rename_durably(temporary_, path_);
  descriptor_.reset();
}

// Some file systems have no such call.
void flush_folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const FileDescriptor folder(uninterrupted([&] {
    return open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }));
  // One that may be written but not listed cannot be opened.
  if (folder.is_open() && !flush(folder.number()) && errno != EINVAL && errno != EBADF) {
    fail("flush the folder of", path);
  }
}

void replace_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

bool replace_with_link(const std::string& target, const std::string& path) {
  const std::string temporary = temporary_of(path);
  unlink(temporary.c_str());
  if (link(target.c_str(), temporary.c_str()) != 0) {
    return false;
  }
  try {
    rename_durably(temporary, path);
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  unlink(temporary.c_str());  // rename leaves it where both were names of one file already
  return true;
}

void append_to_file(const std::string& path, std::string_view text) {
  // Without O_NONBLOCK, opening a pipe that nobody reads would wait for a reader.
  const FileDescriptor file = open_for_writing(path, O_APPEND | O_NONBLOCK);
  struct stat before = {};
  if (!file.is_open() || fstat(file.number(), &before) != 0) {
    fail("open", path);
  }
  if (!write_all(file.number(), text.data(), text.size()) || !flush(file.number())) {
    const int why = errno;
    // Making a file shorter needs no space; what cannot be undone is a torn line to readers.
    static_cast<void>(uninterrupted([&] { return ftruncate(file.number(), before.st_size); }));
    errno = why;
    fail("write", path);
  }
}

}  // namespace accrete
