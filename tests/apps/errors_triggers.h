// SPDX-License-Identifier: Apache-2.0
// How to bring every error of the programs about: a command line for each row of the table.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace accrete::test {

struct Trigger {
  /// Prepares files in an empty folder and returns the command. A run folder is "<folder>/run".
  std::function<std::string(const std::string& folder)> command;
  /// The error comes when there may be a run already: its folder stays.
  bool run_remains = false;
  /// A limit on the address space brings it about, which sanitizers do not let be set.
  bool limits_memory = false;
};

/// By the name of the row.
const std::map<std::string, Trigger>& error_triggers();

}  // namespace accrete::test
