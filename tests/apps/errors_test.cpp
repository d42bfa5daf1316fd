// SPDX-License-Identifier: Apache-2.0
// Every row of the table of errors is brought about through the programs: one line on standard
// error with the row's text, its exit code, and no run folder where none may be. docs/errors.md is
// what the table prints.
#include <algorithm>
#include <filesystem>
#include <set>

#include "apps/command.h"
#include "apps/errors_triggers.h"
#include "error_table.h"
#include "support/catch.h"
#include "support/files.h"
#include "support/sanitizers.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

// Interruptions are no errors: they end with a line of the usual output.
bool is_interruption(const apps::ErrorRow& row) {
  return row.exit_code > 128;
}

// One line that begins with the program's name.
bool is_one_message(const std::string& text) {
  const bool of_program = text.rfind("train: ", 0) == 0 || text.rfind("inspect: ", 0) == 0;
  return of_program && std::count(text.begin(), text.end(), '\n') == 1;
}

void check_row(const apps::ErrorRow& row, const Trigger& trigger) {
  const std::string folder = fresh_folder(std::string("errors/") + row.name);
  const std::string command = trigger.command(folder);
  // What run_command appends, that both outputs are one, is left to `exit`.
  const CommandResult result =
      run_command("exec 2>" + folder + "/stderr.txt; (" + command + "); exit $?");
  const std::string message = content_of(folder + "/stderr.txt");
  INFO(row.name << ": " << command << "\nstdout: " << result.output << "\nstderr: " << message);
  CHECK(result.exit_code == row.exit_code);
  if (is_interruption(row)) {
    CHECK_THAT(result.output, Contains(row.message));
    CHECK(message.empty());
  } else {
    CHECK_THAT(message, Contains(row.message));
    CHECK(is_one_message(message));
  }
  CHECK((trigger.run_remains || !fs::exists(folder + "/run")));
}

}  // namespace

TEST_CASE("every error of the table comes about as it says") {
  for (const apps::ErrorRow& row : apps::error_table()) {
    const auto trigger = error_triggers().find(row.name);
    INFO(row.name << " needs a trigger in errors_triggers.cpp, or a reason why it has none");
    REQUIRE((trigger != error_triggers().end()) == std::string(row.untested).empty());
    if (trigger == error_triggers().end()) {
      continue;
    }
    if (trigger->second.limits_memory && kHasShadowMemory) {
      WARN(row.name << " is not tried: a sanitizer needs the address space");
      continue;
    }
    check_row(row, trigger->second);
  }
}

TEST_CASE("rows have names of their own, and all triggers have rows") {
  std::set<std::string> names;
  for (const apps::ErrorRow& row : apps::error_table()) {
    CHECK(names.insert(row.name).second);
    CHECK(std::string(row.message).size() >= 5);
    CHECK(std::string(row.cure).size() >= 5);
  }
  for (const auto& [name, trigger] : error_triggers()) {
    INFO(name);
    CHECK(names.count(name) == 1);
  }
}

TEST_CASE("docs/errors.md is what the table prints") {
  INFO("after a change of apps/support/error_table.cpp: inspect --errors > docs/errors.md");
  CHECK((content_of(DOCS_FOLDER "/errors.md") == apps::errors_markdown()));
}

}  // namespace accrete::test
