// SPDX-License-Identifier: Apache-2.0
// Running the programs as a user does.
#pragma once

#include <string>
#include <vector>

namespace accrete::test {

struct CommandResult {
  int exit_code = -1;
  std::string output;  ///< stdout and stderr
  /// Line `index` of the output, from the end for negative ones.
  std::string line(int index) const;
};

/// Runs a shell command line.
CommandResult run_command(const std::string& command);

/// "<program> <arguments>" with the program's full path.
std::string train(const std::string& arguments);
std::string inspect(const std::string& arguments);

/// A command that a shell may start with "&" and that still takes signals: what the shell starts so
/// ignores SIGINT otherwise, which a program respects.
std::string with_default_signals(const std::string& command);

/// An empty folder for a test, below the working directory.
std::string fresh_folder(const std::string& name);
bool same_content(const std::string& a, const std::string& b);
/// Writes the spec of a tiny run on generated images (2 epochs of 5 steps) and returns its path.
std::string tiny_spec(const std::string& folder);

}  // namespace accrete::test
