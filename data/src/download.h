// SPDX-License-Identifier: Apache-2.0
// Published files: one transfer over the network, which a source with libcurl and one without it
// implement, and a folder that holds them, where what is not there, or not what was published, is
// fetched.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace accrete::data {

struct Transfer {
  std::string url;
  std::string protocols;  ///< that may be used, redirections included: "https", or "http,file"
  std::string path;       ///< file that receives the bytes
  std::int64_t have = 0;  ///< bytes of it that are there already: the transfer goes on there
  std::int64_t most_bytes = 0;  ///< it may come to; the transfer ends with an error where more come
};

enum class TransferEnd {
  complete,
  cannot_resume,  ///< the server sends all or nothing: start with have = 0
};

/// Empty, or why this build cannot download.
std::string no_downloads_because();

/// Appends to the file at `path`, or writes it anew if have == 0. Error(data) naming address and
/// reason; what has arrived until then stays in the file.
TransferEnd fetch(const Transfer& transfer);

struct RemoteFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;  ///< 64 hex digits
};

struct DownloadSite {
  std::string address;              ///< in front of the files' names
  std::string protocols = "https";  ///< that may be used, redirections included
};

/// Sees to it that `folder` (created if needed) has every file with its digest: those that have it
/// stay, all others are fetched. A file appears under its name only after its digest was verified;
/// until then its bytes are in NAME.part, where a later call goes on if a transfer breaks off.
/// Error(data) naming address or file and the reason.
void download_files(const DownloadSite& site, const std::vector<RemoteFile>& files,
                    const std::string& folder,
                    const std::function<void(const std::string&)>& report);

}  // namespace accrete::data
