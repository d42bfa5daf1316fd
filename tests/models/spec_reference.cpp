// SPDX-License-Identifier: Apache-2.0
#include "models/spec_reference.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <type_traits>

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

Json schema_of(const BooleanKey& /*member*/) {
  return {{"type", "boolean"}};
}

template <class Number>
Json schema_of(Range<Number> range) {
  return {{"type", std::is_same_v<Number, double> ? "number" : "integer"},
          {"minimum", range.min},
          {"maximum", range.max}};
}

template <class Number>
Json schema_of(const NumberKey<Number>& member) {
  return schema_of(member.range);
}

Json schema_of(const TextKey& member) {
  const TextRule& rule = member.rule;
  Json schema = rule.words.empty() ? Json{{"type", "string"}} : Json{{"enum", rule.words}};
  if (rule.most_bytes > 0) {
    schema["maxLength"] = rule.most_bytes;
  }
  if (rule.pattern != nullptr) {
    schema["pattern"] = rule.pattern;
  }
  return schema;
}

template <class Number>
Json schema_of(const ListKey<Number>& member) {
  Json schema = {{"type", "array"},
                 {"maxItems", member.rule.most},
                 {"items", schema_of(member.rule.elements)}};
  if (!member.rule.may_be_empty) {
    schema["minItems"] = 1;
  }
  return schema;
}

Json schema_of(const WordKey& member) {
  return {{"enum", member.words}};
}

// Makes the schema of every key with the default that its member has.
class SchemaWriter final : public KeyVisitor {
 public:
  Json take() { return std::move(object_); }

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

 private:
  bool visit(const char* key, const Key& member, const std::string& text) override {
    Json schema = std::visit([](const auto& one) { return schema_of(one); }, member);
    const auto* optional = std::get_if<TextKey>(&member);
    if (optional == nullptr || !optional->rule.optional) {
      std::visit([&](const auto& one) { schema["default"] = one.value; }, member);
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
