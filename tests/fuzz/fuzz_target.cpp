// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz_target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace accrete::fuzz {
namespace {

constexpr std::size_t kLongestMessage = 2000;

// Removed with the process.
class FolderInMemory {
 public:
  FolderInMemory() : path_("/dev/shm/accrete-fuzz-" + std::to_string(getpid())) {
    std::filesystem::create_directory(path_);
  }
  ~FolderInMemory() {
    std::error_code status;
    std::filesystem::remove_all(path_, status);
  }
  FolderInMemory(const FolderInMemory&) = delete;
  FolderInMemory& operator=(const FolderInMemory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

void finding(const std::string& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

void check_answer(const Error& error, std::initializer_list<ErrorCode> documented) {
  const std::string message = error.what();
  if (std::find(documented.begin(), documented.end(), error.code()) == documented.end()) {
    finding("error code " + std::to_string(static_cast<int>(error.code())) +
            " is not documented here: " + message);
  }
  if (message.empty() || message.size() > kLongestMessage ||
      message.find('\n') != std::string::npos) {
    finding("a message of " + std::to_string(message.size()) + " bytes, not one line: " + message);
  }
}

MemoryFile::MemoryFile()
    : descriptor_(memfd_create("fuzz", 0)), path_("/proc/self/fd/" + std::to_string(descriptor_)) {
  require(descriptor_ >= 0, "no memfd");
}

MemoryFile::~MemoryFile() {
  close(descriptor_);
}

void MemoryFile::set_content(std::string_view bytes) {
  require(
      ftruncate(descriptor_, static_cast<off_t>(bytes.size())) == 0 &&
          pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
      "no memory for a file");
}

std::string path_in_memory(const std::string& name) {
  static const FolderInMemory folder;
  return folder.path() + "/" + name;
}

std::string safetensors_content(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kPrefix = 4;
  if (size < kPrefix || (data[0] & 1U) == 0) {
    return std::string(text_of(data, size).substr(std::min<std::size_t>(size, 1)));
  }
  const std::size_t wanted = data[1] | (std::size_t{data[2]} << 8U) | (std::size_t{data[3]} << 16U);
  const std::uint64_t header = std::min(wanted, size - kPrefix);
  std::string content(reinterpret_cast<const char*>(&header), sizeof(header));
  return content.append(text_of(data, size).substr(kPrefix));
}

}  // namespace accrete::fuzz

// For millions of executions. Where memory came from is recorded at every allocation: two frames
// do; for a report with all of them, run the input with ASAN_OPTIONS=malloc_context_size=30. What
// was freed is kept from being used again until it is a MiB, not 256: that stays in the caches.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "malloc_context_size=2:quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
}
