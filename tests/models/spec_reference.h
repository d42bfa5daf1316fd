// SPDX-License-Identifier: Apache-2.0
// What models/spec.schema.json and the tables of models/SPEC.md say, made from the keys themselves.
#pragma once

#include <string>

namespace accrete::models {

/// The whole of spec.schema.json.
std::string schema_text();

/// `reference`, the text of SPEC.md, with the rows of every table of keys made anew: those of the
/// root behind the title, those of an object behind the heading that has its name. An object
/// without a heading is in the table of the one that it belongs to.
std::string with_tables(const std::string& reference);

}  // namespace accrete::models
