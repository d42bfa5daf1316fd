// SPDX-License-Identifier: Apache-2.0
// A folder that holds published files: what is not there, or not what was published, is fetched.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace accrete::data {

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
