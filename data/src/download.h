// SPDX-License-Identifier: Apache-2.0
// Fetching published files with a digest check.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace accrete::data {

struct RemoteFile {
  std::string name;
  std::string md5;  ///< 32 hex digits, as published with the data
};

/// Downloads `address` + name for every file into `folder` (created if needed). A file appears
/// under its name only after its digest was verified. Error(data) naming address and reason.
void download_files(const std::string& address, const std::vector<RemoteFile>& files,
                    const std::string& folder,
                    const std::function<void(const std::string&)>& report);

/// MD5 of a file as 32 hex digits; empty if it cannot be read.
std::string file_md5(const std::string& path);

}  // namespace accrete::data
