// SPDX-License-Identifier: Apache-2.0
// What a program says when its command line asks for help, or is none.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "exit_codes.h"

namespace accrete::apps {

/// Prints help or version if that is what was asked for, and returns the exit code. Otherwise
/// throws Error(invalid_argument) with what the parser found, in one line.
inline int answer_of_parser(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    return app.exit(error);
  }
  std::string found = error.what();
  for (char& letter : found) {
    letter = letter == '\n' ? ' ' : letter;
  }
  throw Error(ErrorCode::invalid_argument, found + "; see " + app.get_name() + " --help");
}

}  // namespace accrete::apps
