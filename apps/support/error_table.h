// SPDX-License-Identifier: Apache-2.0
// What train and inspect can refuse, and what to do then: the table that docs/errors.md prints and
// that a test triggers row by row through the programs.
#pragma once

#include <string>
#include <vector>

#include "exit_codes.h"

namespace accrete::apps {

struct ErrorRow {
  const char* name;     ///< short and stable, for links and scripts
  int exit_code;        ///< exit_code_of the error's code
  const char* message;  ///< the part of the message that is always the same
  const char* cure;
  /// Why no test can bring it about; empty: one does.
  const char* untested = "";
};

/// In the order of the exit codes.
const std::vector<ErrorRow>& error_table();

/// docs/errors.md: the exit codes, and the table.
std::string errors_markdown();

}  // namespace accrete::apps
