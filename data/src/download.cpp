// SPDX-License-Identifier: Apache-2.0
#include "download.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "accrete/kernels/error.h"
#include "accrete/kernels/file_descriptor.h"
#include "sha256.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::data, message);
}

void create_folder(const std::string& folder) {
  std::error_code status;
  fs::create_directories(folder, status);
  if (status) {
    fail("cannot create " + folder + ": " + status.message());
  }
}

// Two processes that append to one file would only spoil it for each other.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_.is_open() && ::flock(descriptor_.number(), LOCK_EX | LOCK_NB) != 0 &&
        errno == EWOULDBLOCK) {
      fail("another process is downloading into " + folder + "; wait until it is done");
    }
  }

 private:
  FileDescriptor descriptor_;
};

// The length of a file that may be appended to; 0 if there is none.
std::int64_t length_of(const std::string& path) {
  std::error_code status;
  const fs::file_type type = fs::symlink_status(path, status).type();
  if (type == fs::file_type::not_found) {
    return 0;
  }
  if (type != fs::file_type::regular) {
    fail(path + " is in the way of a download: it is no regular file; remove it");
  }
  const std::uintmax_t bytes = fs::file_size(path, status);
  if (status) {
    fail("cannot read " + path + ": " + status.message());
  }
  return static_cast<std::int64_t>(bytes);
}

void remove(const std::string& path) {
  std::error_code status;
  fs::remove(path, status);
  if (status) {
    fail("cannot remove " + path + ": " + status.message());
  }
}

class Download {
 public:
  Download(const DownloadSite& site, const RemoteFile& remote, std::string target)
      : url_(site.address + remote.name),
        protocols_(site.protocols),
        remote_(remote),
        target_(std::move(target)),
        partial_(target_ + ".part") {}

  const std::string& url() const { return url_; }

  // Whether the file is there and is the published one.
  bool done() const {
    std::error_code status;
    return fs::status(target_, status).type() != fs::file_type::not_found &&
           sha256_of_file(target_) == remote_.sha256;
  }

  void run() {
    if (resume() || start_anew()) {
      return;
    }
    const std::string digest = sha256_of_file(partial_);
    remove(partial_);
    fail("downloading " + url_ + " gave a file with SHA-256 " + digest + ", expected " +
         remote_.sha256);
  }

 private:
  bool resume() {
    const std::int64_t have = length_of(partial_);
    const bool usable = have > 0 && have <= remote_.bytes;
    return usable && (have == remote_.bytes || transfer(have)) && put_in_place();
  }

  bool start_anew() { return transfer(0) && put_in_place(); }

  bool transfer(std::int64_t have) {
    try {
      return fetch({url_, protocols_, partial_, have, remote_.bytes}) == TransferEnd::complete;
    } catch (const Error&) {
      if (length_of(partial_) == 0) {
        remove(partial_);
      }
      throw;
    }
  }

  bool put_in_place() {
    if (sha256_of_file(partial_) != remote_.sha256) {
      return false;
    }
    std::error_code status;
    fs::rename(partial_, target_, status);
    if (status) {
      fail("cannot rename " + partial_ + " to " + target_ + ": " + status.message());
    }
    return true;
  }

  std::string url_;
  std::string protocols_;
  const RemoteFile& remote_;
  std::string target_;
  std::string partial_;
};

void require_downloads(const std::string& folder, const RemoteFile& remote) {
  const std::string obstacle = no_downloads_because();
  if (!obstacle.empty()) {
    fail(folder + " has no usable " + remote.name + ", and " + obstacle);
  }
}

}  // namespace

void download_files(const DownloadSite& site, const std::vector<RemoteFile>& files,
                    const std::string& folder,
                    const std::function<void(const std::string&)>& report) {
  for (const RemoteFile& remote : files) {
    Download download(site, remote, (fs::path(folder) / remote.name).string());
    if (download.done()) {
      continue;
    }
    require_downloads(folder, remote);
    create_folder(folder);
    const FolderLock lock(folder);
    if (report) {
      report("downloading " + download.url());
    }
    download.run();
  }
}

}  // namespace accrete::data
