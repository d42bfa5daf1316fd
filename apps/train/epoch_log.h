// SPDX-License-Identifier: Apache-2.0
// A file with one line of JSON for each finished epoch: metrics.jsonl, timing.jsonl.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace accrete::apps {

class EpochLog {
 public:
  using Json = nlohmann::ordered_json;

  /// Each line has these keys and no others, "epoch" among them.
  EpochLog(std::string path, std::vector<std::string> keys)
      : path_(std::move(path)), keys_(std::move(keys)) {}

  const std::string& path() const { return path_; }
  /// On disk when it returns. Error(io); the file then ends where it ended before.
  void append(const Json& line) const;
  /// Whether the file has anything in it.
  bool has_lines() const;
  /// Keeps the lines of the first `epochs` epochs, in rising order, and drops all others: what an
  /// interrupted run has written since, a torn last line, and lines that this program has not
  /// written there; returns how many of those there were. Replaces the file as a whole, or not at
  /// all.
  std::int64_t keep_epochs(std::int64_t epochs) const;

 private:
  std::int64_t epoch_of(std::string_view line) const;

  std::string path_;
  std::vector<std::string> keys_;
};

}  // namespace accrete::apps
