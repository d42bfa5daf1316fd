// SPDX-License-Identifier: Apache-2.0
// File calls of libc that do what FaultPlan says, for LD_PRELOAD. Each is the system call
// otherwise. Not seen are the calls that libc makes of its own, as in fwrite.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fault_plan.h"

namespace accrete::test {
namespace {

// What `real` returns, or `failure` where the plan has an error.
template <typename Result, typename Real>
Result try_call(Call call, const std::string& path, Result failure, Real real) {
  const Verdict verdict = FaultPlan::of_process().next(call, path);
  switch (verdict.action) {
    case Action::kill:
    case Action::kill_half:  // half of what is no write: nothing
      die();
    case Action::signal:
      raise(verdict.number);
      return real();
    case Action::kill_after:
      real();
      die();
    case Action::error:
      errno = verdict.number;
      return failure;
    case Action::none:
    case Action::shorten:
      break;
  }
  return real();
}

// `real` writes as many of the bytes as it is told to.
template <typename Real>
ssize_t try_write(int descriptor, std::size_t bytes, Real real) {
  const std::string path = path_of(descriptor);
  const Verdict verdict = FaultPlan::of_process().next(Call::write, path);
  const std::size_t half = bytes > 1 ? bytes / 2 : bytes;
  switch (verdict.action) {
    case Action::kill:
      die();
    case Action::kill_half:
      real(bytes / 2);
      die();
    case Action::kill_after:
      real(bytes);
      die();
    case Action::signal:
      raise(verdict.number);
      return real(bytes);
    case Action::shorten:
      return real(half);
    case Action::error:
      errno = verdict.number;
      return -1;
    case Action::none:
      break;
  }
  return real(bytes);
}

std::size_t total(const iovec* parts, int count) {
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    bytes += parts[i].iov_len;
  }
  return bytes;
}

ssize_t write_some(int descriptor, const iovec* parts, int count, std::size_t bytes) {
  std::vector<iovec> some(parts, parts + count);
  for (iovec& part : some) {
    part.iov_len = part.iov_len < bytes ? part.iov_len : bytes;
    bytes -= part.iov_len;
  }
  return syscall(SYS_writev, descriptor, some.data(), count);
}

bool is_for_writing(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  const auto real = [=] {
    return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  };
  return is_for_writing(flags) ? try_call(Call::open, path_of(folder, path), -1, real) : real();
}

int rename_at(int folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return try_call(Call::rename, path_of(to_folder, to), -1, [=] {
    return static_cast<int>(syscall(SYS_renameat2, folder, from, to_folder, to, flags));
  });
}

int unlink_at(int folder, const char* path, int flags) {
  return try_call(Call::unlink, path_of(folder, path), -1,
                  [=] { return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags)); });
}

int link_at(int folder, const char* from, int to_folder, const char* to, int flags) {
  return try_call(Call::link, path_of(to_folder, to), -1, [=] {
    return static_cast<int>(syscall(SYS_linkat, folder, from, to_folder, to, flags));
  });
}

int make_folder_at(int folder, const char* path, mode_t mode) {
  return try_call(Call::mkdir, path_of(folder, path), -1,
                  [=] { return static_cast<int>(syscall(SYS_mkdirat, folder, path, mode)); });
}

int sync_file(long number, int descriptor) {
  return try_call(Call::fsync, path_of(descriptor), -1,
                  [=] { return static_cast<int>(syscall(number, descriptor)); });
}

// A stream's calls are not seen, but its opening is; libstdc++ writes to its descriptor itself.
std::FILE* open_stream(const char* name, const char* path, const char* mode) {
  using Open = std::FILE* (*)(const char*, const char*);
  const auto real = [=] { return reinterpret_cast<Open>(dlsym(RTLD_NEXT, name))(path, mode); };
  const bool writes = std::strpbrk(mode, "wa+") != nullptr;
  std::FILE* const failure = nullptr;
  return writes ? try_call(Call::open, path_of(AT_FDCWD, path), failure, real) : real();
}

}  // namespace
}  // namespace accrete::test

using namespace accrete::test;  // NOLINT(google-build-using-namespace)

// What libc declares as never throwing has to be defined so.
extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
  return try_write(descriptor, bytes, [=](std::size_t n) -> ssize_t {
    return syscall(SYS_write, descriptor, data, n);
  });
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  return try_write(descriptor, total(parts, count),
                   [=](std::size_t n) { return write_some(descriptor, parts, count, n); });
}

ssize_t pwrite(int descriptor, const void* data, size_t bytes, off_t at) {
  return try_write(descriptor, bytes, [=](std::size_t n) -> ssize_t {
    return syscall(SYS_pwrite64, descriptor, data, n, at);
  });
}

ssize_t pwrite64(int descriptor, const void* data, size_t bytes, off64_t at) {
  return pwrite(descriptor, data, bytes, at);
}

int fsync(int descriptor) {
  return sync_file(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
  return sync_file(SYS_fdatasync, descriptor);
}

int ftruncate(int descriptor, off_t length) noexcept {
  return try_call(Call::truncate, path_of(descriptor), -1,
                  [=] { return static_cast<int>(syscall(SYS_ftruncate, descriptor, length)); });
}

int ftruncate64(int descriptor, off64_t length) noexcept {
  return ftruncate(descriptor, length);
}

int truncate(const char* path, off_t length) noexcept {
  return try_call(Call::truncate, path_of(AT_FDCWD, path), -1,
                  [=] { return static_cast<int>(syscall(SYS_truncate, path, length)); });
}

int truncate64(const char* path, off64_t length) noexcept {
  return truncate(path, length);
}

int rename(const char* from, const char* to) noexcept {
  return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int folder, const char* from, int to_folder, const char* to) noexcept {
  return rename_at(folder, from, to_folder, to, 0);
}

int renameat2(int folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  return rename_at(folder, from, to_folder, to, flags);
}

int unlink(const char* path) noexcept {
  return unlink_at(AT_FDCWD, path, 0);
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  return unlink_at(folder, path, flags);
}

int remove(const char* path) noexcept {
  struct stat status {};
  const bool is_folder = lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
  return unlink_at(AT_FDCWD, path, is_folder ? AT_REMOVEDIR : 0);
}

int link(const char* from, const char* to) noexcept {
  return link_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return link_at(folder, from, to_folder, to, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return make_folder_at(AT_FDCWD, path, mode);
}

int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return make_folder_at(folder, path, mode);
}

int flock(int descriptor, int operation) noexcept {
  return try_call(Call::flock, path_of(descriptor), -1,
                  [=] { return static_cast<int>(syscall(SYS_flock, descriptor, operation)); });
}

std::FILE* fopen(const char* path, const char* mode) {
  return open_stream("fopen", path, mode);
}

std::FILE* fopen64(const char* path, const char* mode) {
  return open_stream("fopen64", path, mode);
}

int creat(const char* path, mode_t mode) {
  return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

// The mode is there for a file that may be made.
int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_at(folder, path, flags, mode);
}

int openat64(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_at(folder, path, flags | O_LARGEFILE, mode);
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

}  // extern "C"
