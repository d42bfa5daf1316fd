// SPDX-License-Identifier: Apache-2.0
#include "epoch_log.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "accrete/engine/atomic_file.h"
#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"

namespace accrete::apps {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // a million epochs, and more
  RegularFile file(path);
  if (file.bytes() > kMostBytes) {
    throw Error(ErrorCode::io, path + " has " + std::to_string(file.bytes()) +
                                   " bytes, too many for lines of epochs; move it away, or choose "
                                   "another --output");
  }
  return file.read_text();
}

}  // namespace

void EpochLog::append(const Json& line) const {
  append_to_file(path_, line.dump() + "\n");
}

bool EpochLog::has_lines() const {
  std::error_code status;
  return fs::exists(path_, status) && !fs::is_empty(path_, status);
}

// The epoch of a line that this program has written, otherwise 0.
std::int64_t EpochLog::epoch_of(std::string_view line) const {
  if (find_json_fault(line)) {
    return 0;
  }
  const Json json = Json::parse(line);
  const bool own = json.is_object() && json.size() == keys_.size() &&
                   std::all_of(keys_.begin(), keys_.end(), [&](const std::string& key) {
                     return json.contains(key) && json.at(key).is_number();
                   });
  return own && json.at("epoch").is_number_unsigned() ? json.at("epoch").get<std::int64_t>() : 0;
}

std::int64_t EpochLog::keep_epochs(std::int64_t epochs) const {
  if (!has_lines()) {
    return 0;
  }
  const std::string text = text_of(path_);
  std::string kept;
  std::int64_t last = 0;
  std::int64_t foreign = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const std::int64_t epoch = epoch_of(line);
    if (epoch > last && epoch <= epochs) {
      kept.append(line).append("\n");
      last = epoch;
    } else if (epoch <= last && end < text.size()) {
      ++foreign;  // a last line without its end is one that was being written
    }
    begin = end + 1;
  }
  if (kept != text) {
    replace_file(path_, kept);
  }
  return foreign;
}

}  // namespace accrete::apps
