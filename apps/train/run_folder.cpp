// SPDX-License-Identifier: Apache-2.0
#include "run_folder.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "accrete/kernels/error.h"
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

}  // namespace

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
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
  std::ifstream in(metrics_path());
  std::string kept;
  std::string line;
  while (std::getline(in, line)) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_discarded() && json.value("epoch", std::int64_t{0}) <= epochs) {
      kept += line + "\n";
    }
  }
  in.close();
  write_text(metrics_path() + ".tmp", kept, std::ios::trunc);
  fs::rename(metrics_path() + ".tmp", metrics_path());
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
