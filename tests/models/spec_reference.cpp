// SPDX-License-Identifier: Apache-2.0
#include "models/spec_reference.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "spec_keys.h"

namespace accrete::models {
namespace {

using Json = nlohmann::ordered_json;

Json object_schema(const std::string& text) {
  return {{"type", "object"},
          {"description", text},
          {"additionalProperties", false},
          {"properties", Json::object()}};
}

// Makes the schema of every key with the default that its member has.
class SchemaWriter final : public KeyVisitor {
 public:
  Json take() { return std::move(object_); }

  bool boolean(const char* key, bool& value, const std::string& text) override {
    return add(key, {{"type", "boolean"}}, value, text);
  }
  bool integer(const char* key, std::int64_t& value, Range<std::int64_t> range,
               const std::string& text) override {
    return add(key, number_of("integer", range), value, text);
  }
  bool number(const char* key, double& value, Range<double> range,
              const std::string& text) override {
    return add(key, number_of("number", range), value, text);
  }
  bool string(const char* key, std::string& value, const TextRule& rule,
              const std::string& text) override {
    Json schema = rule.words.empty() ? Json{{"type", "string"}} : Json{{"enum", rule.words}};
    if (rule.most_bytes > 0) {
      schema["maxLength"] = rule.most_bytes;
    }
    if (rule.pattern != nullptr) {
      schema["pattern"] = rule.pattern;
    }
    return add(key, std::move(schema), rule.optional ? Json() : Json(value), text);
  }
  bool integers(const char* key, Integers& value, const ListRule<std::int64_t>& rule,
                const std::string& text) override {
    return add(key, list_of("integer", rule), value, text);
  }
  bool numbers(const char* key, Numbers& value, const ListRule<double>& rule,
               const std::string& text) override {
    return add(key, list_of("number", rule), value, text);
  }
  void object(const char* key, const std::string& text, const Members& members) override {
    Json outer = std::exchange(object_, object_schema(text));
    members();
    outer["properties"][key] = std::exchange(object_, {});
    object_ = std::move(outer);
  }
  void only(const char* what, bool /*applies*/, const Members& members) override {
    const std::string outer = std::exchange(only_, *what == '\0' ? "" : std::string(what) + ": ");
    members();
    only_ = outer;
  }
  void required(const std::vector<const char*>& keys) override { object_["required"] = keys; }
  void require(const char* /*key*/, bool /*holds*/, const std::string& /*message*/) override {}

 private:
  bool word(const char* key, std::size_t& index, const Words& words,
            const std::string& text) override {
    return add(key, {{"enum", words}}, words[index], text);
  }

  template <class Number>
  static Json number_of(const char* type, Range<Number> range) {
    return {{"type", type}, {"minimum", range.min}, {"maximum", range.max}};
  }

  template <class Number>
  static Json list_of(const char* type, const ListRule<Number>& rule) {
    Json schema = {
        {"type", "array"}, {"maxItems", rule.most}, {"items", number_of(type, rule.elements)}};
    if (!rule.may_be_empty) {
      schema["minItems"] = 1;
    }
    return schema;
  }

  bool add(const char* key, Json schema, const Json& value, const std::string& text) {
    if (!value.is_null()) {
      schema["default"] = value;
    }
    schema["description"] = only_ + text;
    object_["properties"][key] = std::move(schema);
    return false;
  }

  Json object_ = object_schema("one training run");
  std::string only_;  // in front of every text
};

Json schema_of_run() {
  RunSpec spec;
  SchemaWriter writer;
  visit_keys(writer, spec);
  return writer.take();
}

std::string number_text(const Json& number) {
  if (number == std::numeric_limits<std::int64_t>::max()) {
    return "2^63-1";
  }
  std::string text = number.dump();
  if (text.size() > 2 && text.substr(text.size() - 2) == ".0") {
    text.erase(text.size() - 2);
  }
  const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
  if (whole && text.size() > 5) {  // 1000000 -> 1,000,000
    const std::size_t first = text.front() == '-' ? 1 : 0;
    for (std::size_t at = text.size() - 3; at > first; at -= std::min<std::size_t>(at, 3)) {
      text.insert(at, ",");
    }
  }
  return text;
}

std::string range_text(const Json& schema) {
  return number_text(schema["minimum"]) + ".." + number_text(schema["maximum"]);
}

std::string type_text(const Json& schema) {
  if (schema.contains("enum") && schema.contains("default")) {
    std::string text;
    for (const Json& word : schema["enum"]) {
      text += (text.empty() ? "`" : ", `") + word.dump() + "`";
    }
    return text;
  }
  if (schema.contains("items")) {
    return "list of " + range_text(schema["items"]) + ", " + schema["maxItems"].dump() + " at most";
  }
  return schema.contains("minimum") ? range_text(schema) : schema.value("type", "string");
}

std::string default_text(const Json& parent, const std::string& key) {
  const Json required = parent.value("required", Json::array());
  if (std::find(required.begin(), required.end(), key) != required.end()) {
    return "required";
  }
  const Json& schema = parent["properties"][key];
  if (!schema.contains("default")) {
    return schema.contains("properties") ? "`{}`" : "none";
  }
  const Json& value = schema["default"];
  return value.is_number() || value.is_boolean() ? number_text(value) : "`" + value.dump() + "`";
}

std::string heading_of(const std::string& line) {
  return line.rfind('#', 0) == 0 ? line.substr(line.rfind(' ') + 1) : "";
}

class TableWriter {
 public:
  explicit TableWriter(const std::string& reference) : reference_(reference) {
    std::istringstream lines(reference);
    for (std::string line; std::getline(lines, line);) {
      if (const std::string heading = heading_of(line); !heading.empty()) {
        headings_[heading] = {};
      }
    }
    add_rows(schema_of_run(), "", &root_);
  }

  std::string write() const {
    const std::string* rows = &root_;
    std::string text;
    bool in_rows = false;
    std::istringstream lines(reference_);
    for (std::string line; std::getline(lines, line);) {
      const bool rule = line.rfind("|---", 0) == 0;
      if (const auto found = headings_.find(heading_of(line)); found != headings_.end()) {
        rows = found->second.empty() ? rows : &found->second;
      }
      in_rows = in_rows && line.rfind('|', 0) == 0;
      text += in_rows ? "" : line + "\n" + (rule ? *rows : "");
      in_rows = in_rows || rule;
    }
    return text;
  }

 private:
  void add_rows(const Json& parent, const std::string& prefix, std::string* rows) {
    for (const auto& [key, schema] : parent["properties"].items()) {
      *rows += "| `" + prefix + key + "` | " + type_text(schema) + " | " +
               default_text(parent, key) + " | " + schema["description"].get<std::string>() +
               " |\n";
      if (schema.contains("properties")) {
        const auto own = headings_.find(key);
        add_rows(schema, own == headings_.end() ? prefix + key + "." : "",
                 own == headings_.end() ? rows : &own->second);
      }
    }
  }

  const std::string& reference_;
  std::string root_;
  std::map<std::string, std::string> headings_;  // and the rows behind each
};

}  // namespace

std::string schema_text() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Accrete run"}};
  schema.update(schema_of_run());
  return schema.dump(2) + "\n";
}

std::string with_tables(const std::string& reference) {
  return TableWriter(reference).write();
}

}  // namespace accrete::models
