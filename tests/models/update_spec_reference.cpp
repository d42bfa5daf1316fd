// SPDX-License-Identifier: Apache-2.0
// Writes spec.schema.json and the tables of SPEC.md in the folder that it is given.
#include <string>

#include "models/spec_reference.h"
#include "support/files.h"

int main(int argc, char** argv) {
  using namespace accrete;
  if (argc != 2) {
    return 2;
  }
  const std::string folder = argv[1];
  test::write_plain(folder + "/spec.schema.json", models::schema_text());
  const std::string reference = folder + "/SPEC.md";
  test::write_plain(reference, models::with_tables(test::content_of(reference)));
}
