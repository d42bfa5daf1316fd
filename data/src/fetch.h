// SPDX-License-Identifier: Apache-2.0
// One transfer over the network. Two sources implement it: with libcurl, and for builds without.
#pragma once

#include <cstdint>
#include <string>

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

}  // namespace accrete::data
