// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "support/files.h"

namespace accrete::test {

namespace fs = std::filesystem;

std::string CommandResult::line(int index) const {
  std::vector<std::string> lines;
  std::istringstream in(output);
  for (std::string text; std::getline(in, text);) {
    lines.push_back(text);
  }
  const int at = index < 0 ? static_cast<int>(lines.size()) + index : index;
  return at >= 0 && at < static_cast<int>(lines.size()) ? lines[static_cast<std::size_t>(at)] : "";
}

CommandResult run_command(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) {
    throw std::runtime_error("cannot run " + command);
  }
  CommandResult result;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string train(const std::string& arguments) {
  return std::string(PROGRAM_FOLDER) + "/train " + arguments;
}

std::string inspect(const std::string& arguments) {
  return std::string(PROGRAM_FOLDER) + "/inspect " + arguments;
}

std::string with_default_signals(const std::string& command) {
  return "env --default-signal " + command;
}

std::string fresh_folder(const std::string& name) {
  const std::string folder = "app_test_files/" + name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

bool same_content(const std::string& a, const std::string& b) {
  return fs::exists(a) && fs::exists(b) && content_of(a) == content_of(b);
}

std::string tiny_spec(const std::string& folder) {
  const std::string path = folder + "/tiny.json";
  write_plain(path, R"({
    "name": "tiny",
    "model": {"blocks": [2, 2], "growth_rate": 6, "dropout": 0.1, "num_classes": 4,
              "stem": {"channels": 8, "kernel": 3, "stride": 1, "norm_relu": false,
                       "max_pool": false}},
    "data": {"dataset": "synthetic", "synthetic": {"image_size": 12, "channels": 2,
             "train_images": 70, "test_images": 33}},
    "training": {"epochs": 2, "batch_size": 16, "eval_batch_size": 20, "seed": 3,
                 "optimizer": {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-4},
                 "schedule": {"type": "cosine"}}
  })");
  return path;
}

}  // namespace accrete::test
