// SPDX-License-Identifier: Apache-2.0
// What every program has in common: how it answers its command line, how it ends, units of what it
// prints.
#pragma once

#include <cstdint>
#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): the parser's name
class App;
class ParseError;
}  // namespace CLI

namespace accrete::apps {

/// What a program says when its command line asks for help, or is none: prints help or version if
/// that is what was asked for, and returns the exit code. Otherwise throws Error(invalid_argument)
/// with what the parser found, in one line.
int answer_of_parser(const CLI::App& app, const CLI::ParseError& error);

/// Runs the body of a program and returns its exit code. Whatever the body throws becomes one line
/// on standard error that begins with `name`, and the code that docs/errors.md gives it. A body
/// that succeeded while its standard output could not be written has failed, too.
int run_program(const char* name, const std::function<int()>& body);

/// A number of bytes for a table in MiB.
inline double mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace accrete::apps
