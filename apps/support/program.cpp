// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "exit_codes.h"

namespace accrete::apps {
namespace {

int report(const char* name, int exit_code, const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", name, message.c_str());
  return exit_code;
}

int flushed(const char* name, int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) {
    return exit_code;
  }
  const std::string why = std::strerror(errno);
  return report(name, exit_code == kExitOk ? kExitFailure : exit_code,
                "cannot write standard output: " + why);
}

}  // namespace

int answer_of_parser(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    return app.exit(error);
  }
  std::string found = error.what();
  for (char& letter : found) {
    letter = letter == '\n' ? ' ' : letter;
  }
  throw Error(ErrorCode::invalid_argument, found + "; see " + app.get_name() + " --help");
}

int run_program(const char* name, const std::function<int()>& body) {
  try {
    return flushed(name, body());
  } catch (const Error& error) {
    return report(name, exit_code_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return report(
        name, kExitMemory,
        "the system refused memory to this program; use a smaller batch, net or data set, "
        "or raise the limit (ulimit -v)");
  } catch (const std::system_error& error) {  // files, threads
    return report(name, kExitFailure, std::string("the system refused: ") + error.what());
  } catch (const std::exception& error) {
    return report(name, kExitFailure, std::string("unexpected failure: ") + error.what());
  }
}

}  // namespace accrete::apps
