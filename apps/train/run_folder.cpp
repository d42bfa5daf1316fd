// SPDX-License-Identifier: Apache-2.0
#include "run_folder.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"
#include "version.h"

namespace accrete::apps {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void write_text(const std::string& path, const std::string& text, std::ios::openmode mode) {
  std::ofstream out(path, std::ios::binary | mode);
  out << text;
  out.flush();
  if (!out) {
    throw Error(ErrorCode::io, "cannot write " + path + "; check permissions and free space");
  }
}

std::string metrics_text(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // a million epochs, and more
  RegularFile file(path);
  if (file.bytes() > kMostBytes) {
    throw Error(ErrorCode::io, path + " has " + std::to_string(file.bytes()) +
                                   " bytes, too many for metrics; move it away, or choose another "
                                   "--output");
  }
  return file.read_text();
}

// Whether a line of metrics is of one of the first `epochs` epochs. A line that is not whole or
// that this program did not write is of none.
bool is_of_first(std::int64_t epochs, std::string_view line) {
  if (find_json_fault(line)) {
    return false;
  }
  const Json json = Json::parse(line);
  const auto epoch = json.find("epoch");
  return epoch != json.end() && epoch->is_number_unsigned() &&
         epoch->get<std::uint64_t>() <= static_cast<std::uint64_t>(epochs);
}

}  // namespace

void RunFolder::create() const {
  std::error_code status;
  fs::create_directories(checkpoints(), status);
  if (status || access(checkpoints().c_str(), W_OK) != 0) {
    throw Error(ErrorCode::io, "cannot write the run folder " + path_ + ": " +
                                   (status ? status.message() : "permission denied") +
                                   "; choose another with --output");
  }
}

void RunFolder::write_config(const std::string& resolved_spec) const {
  write_text(path_ + "/config.json", resolved_spec, std::ios::trunc);
  const Json build = {{"version", kVersion}, {"commit", kCommit}, {"compiler", kCompiler}};
  write_text(path_ + "/build.json", build.dump(2) + "\n", std::ios::trunc);
}

void RunFolder::append_metrics(const EpochMetrics& m) const {
  const Json line = {{"epoch", m.epoch},
                     {"step", m.step},
                     {"learning_rate", m.learning_rate},
                     {"train_loss", m.train_loss},
                     {"train_acc", m.train_accuracy},
                     {"test_loss", m.test_loss},
                     {"test_acc", m.test_accuracy},
                     {"examples_per_second", m.examples_per_second},
                     {"seconds", m.seconds},
                     {"data_wait_percent", m.data_wait_percent}};
  write_text(metrics_path(), line.dump() + "\n", std::ios::app);
}

void RunFolder::resume_metrics_at(std::int64_t epochs) const {
  std::error_code status;
  if (!fs::exists(metrics_path(), status)) {
    return;
  }
  const std::string text = metrics_text(metrics_path());
  std::string kept;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (is_of_first(epochs, line)) {
      kept.append(line).append("\n");
    }
    begin = end + 1;
  }
  write_text(metrics_path() + ".tmp", kept, std::ios::trunc);
  fs::rename(metrics_path() + ".tmp", metrics_path(), status);
  if (status) {
    throw Error(ErrorCode::io, "cannot replace " + metrics_path() + ": " + status.message() +
                                   "; check permissions and free space");
  }
}

std::string default_run_folder(const std::string& name) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char stamp[32];
  std::strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
  return "runs/" + name + "-" + stamp;
}

}  // namespace accrete::apps
