// SPDX-License-Identifier: Apache-2.0
// JSON text -> RunSpec.
#include "accrete/models/run_spec.h"

#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"
#include "spec_reader.h"

namespace accrete::models {
namespace {

using Json = nlohmann::json;

constexpr JsonLimits kSpecLimits = {JsonLimits{}.bytes, JsonLimits{}.levels, true};

[[noreturn]] void fail(const std::string& where, const std::string& why) {
  throw Error(ErrorCode::spec, where + ": " + why);
}

Json parse_text(const std::string& text, const std::string& source) {
  if (const auto fault = find_json_fault(text, kSpecLimits)) {
    fail(source, fault->message);
  }
  return Json::parse(text, nullptr, true, kSpecLimits.comments);
}

// JSON, or a bare string: what is no JSON at all. JSON with another fault is no string.
Json override_value(const SpecOverride& override_, const std::string& where) {
  std::string text = override_.value;
  auto fault = find_json_fault(text);
  if (fault && fault->kind == JsonFaultKind::syntax) {
    text = json_quoted(text);
    fault = find_json_fault(text);
  }
  if (fault) {
    fail(where, "the value cannot be used: " + fault->message);
  }
  return Json::parse(text);
}

std::vector<std::string> key_parts(const std::string& key, const std::string& where) {
  if (const auto fault = find_json_fault(json_quoted(key))) {
    fail(where, "the key cannot be used: " + fault->message);
  }
  std::vector<std::string> parts(1);
  for (const char c : key) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
    if (parts.size() > kSpecLimits.levels) {
      fail(where, "the key has more than " + std::to_string(kSpecLimits.levels) + " parts");
    }
  }
  return parts;
}

// Keys of an override are separated by dots; objects on the way are created.
void apply_override(Json& root, const SpecOverride& override_) {
  const std::string where = "--set " + excerpt(override_.key);
  Json* at = &root;
  std::string walked;
  for (const std::string& part : key_parts(override_.key, where)) {
    if (!at->is_object() && !at->is_null()) {
      fail(where, "'" + excerpt(walked) + "' is a value, not an object with keys");
    }
    if (part.empty()) {
      fail(where, "a key before or after a dot is missing, as in training.epochs=3");
    }
    walked += walked.empty() ? part : "." + part;
    at = &(*at)[part];
  }
  *at = override_value(override_, where);
}

}  // namespace

SpecOverride parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail("--set " + excerpt(text), "expected KEY=VALUE, for example training.epochs=3");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

RunSpec parse_run_spec(const std::string& text, const std::string& source,
                       const std::vector<SpecOverride>& overrides) {
  Json root = parse_text(text, source);
  for (const SpecOverride& override_ : overrides) {
    apply_override(root, override_);
  }
  RunSpec spec;
  SpecReader reader(root, source);
  visit_keys(reader, spec);
  reader.finish();
  return spec;
}

RunSpec load_run_spec(const std::string& path, const std::vector<SpecOverride>& overrides) {
  RegularFile file(path);
  if (file.bytes() > kSpecLimits.bytes) {
    fail(path, "has " + std::to_string(file.bytes()) + " bytes, a spec has at most " +
                   std::to_string(kSpecLimits.bytes));
  }
  return parse_run_spec(file.read_text(), path, overrides);
}

}  // namespace accrete::models
