// SPDX-License-Identifier: Apache-2.0
// The schema for editors and the reference for people say what the parser takes.
#include "models/spec_reference.h"

#include <set>
#include <sstream>

#include "accrete/models/run_spec.h"
#include "support/catch.h"
#include "support/files.h"

namespace accrete::models {
namespace {

std::multiset<std::string> lines_of(const std::string& text) {
  std::multiset<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.insert(line);
  }
  return lines;
}

// The lines that one of two texts has alone.
std::string difference(const std::string& committed, const std::string& made) {
  const auto old_lines = lines_of(committed);
  const auto new_lines = lines_of(made);
  std::string text;
  for (const std::string& line : old_lines) {
    text += new_lines.count(line) == 0 ? "- " + line + "\n" : "";
  }
  for (const std::string& line : new_lines) {
    text += old_lines.count(line) == 0 ? "+ " + line + "\n" : "";
  }
  return text;
}

void check_same(const std::string& committed, const std::string& made) {
  INFO("the target update_spec_reference writes both files anew; here the keys differ in\n"
       << difference(committed, made));
  CHECK((committed == made));
}

}  // namespace

TEST_CASE("the schema is that of the keys") {
  check_same(test::content_of(MODELS_FOLDER "/spec.schema.json"), schema_text());
}

TEST_CASE("the tables of the reference are those of the keys") {
  const std::string reference = test::content_of(MODELS_FOLDER "/SPEC.md");
  check_same(reference, with_tables(reference));
}

TEST_CASE("the reference names every preset") {
  const std::string reference = test::content_of(MODELS_FOLDER "/SPEC.md");
  for (const DenseNetPreset& preset : densenet_presets()) {
    CHECK_THAT(reference, Catch::Matchers::Contains("`" + preset.name + "`"));
  }
  for (const ResNetPreset& preset : resnet_presets()) {
    CHECK_THAT(reference, Catch::Matchers::Contains("`" + preset.name + "`"));
  }
}

}  // namespace accrete::models
