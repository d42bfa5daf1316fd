// SPDX-License-Identifier: Apache-2.0
#include "spec_reader.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"

namespace accrete::models {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestName = 64;  // what is longer resembles no key

// Levenshtein distance, one row at a time.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += text.empty() ? name : ", " + name;
  }
  return text;
}

std::string shown(const Json& value) {
  return excerpt(value.dump());
}

bool is_in(const Json& json, Range<std::int64_t> range) {
  const bool too_large = json.is_number_unsigned() &&
                         json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  return json.is_number_integer() && !too_large && json.get<std::int64_t>() >= range.min &&
         json.get<std::int64_t>() <= range.max;
}

bool is_in(const Json& json, Range<double> range) {
  return json.is_number() && json.get<double>() >= range.min && json.get<double>() <= range.max;
}

// -0 is the number 0, so that equal runs are written alike.
template <class Number>
Number value_of(const Json& json) {
  return json.get<Number>() + Number{0};
}

// "whole number from 1 to 2", with the ending of several.
std::string span(Range<std::int64_t> range, const std::string& ending) {
  return "whole number" + ending + " from " + std::to_string(range.min) + " to " +
         std::to_string(range.max);
}

std::string span(Range<double> range, const std::string& ending) {
  return "number" + ending + " from " + shown(range.min) + " to " + shown(range.max);
}

}  // namespace

SpecReader::SpecReader(const Json& root, std::string source) : source_(std::move(source)) {
  open(root, "");
}

void SpecReader::open(const Json& json, std::string pointer) {
  if (!json.is_object()) {
    throw Error(ErrorCode::spec, source_ + ": " + (pointer.empty() ? "/" : pointer) +
                                     " must be an object, found " + shown(json));
  }
  open_.push_back({&json, std::move(pointer), {}});
}

void SpecReader::fail(const std::string& key, const std::string& message) const {
  throw Error(
      ErrorCode::spec,
      source_ + ": " + excerpt(json_pointer(open_.back().pointer, key), 120) + " " + message);
}

void SpecReader::check_type(bool fits, const char* key, const Json& found,
                            const std::string& expected) const {
  if (!fits) {
    fail(key, "must be " + expected + ", found " + shown(found));
  }
}

const Json* SpecReader::find(const char* key) {
  open_.back().known.emplace_back(key);
  const auto found = open_.back().json->find(key);
  return found == open_.back().json->end() ? nullptr : &*found;
}

bool SpecReader::visit(const char* key, const Key& member, const std::string& /*text*/) {
  const Json* json = find(key);
  if (json != nullptr) {
    std::visit([&](const auto& one) { read(key, *json, one); }, member);
  }
  return json != nullptr;
}

void SpecReader::read(const char* key, const Json& json, const BooleanKey& member) const {
  check_type(json.is_boolean(), key, json, "true or false");
  member.value = json.get<bool>();
}

template <class Number>
void SpecReader::read(const char* key, const Json& json, const NumberKey<Number>& member) const {
  check_type(is_in(json, member.range), key, json, "a " + span(member.range, ""));
  member.value = value_of<Number>(json);
}

void SpecReader::read(const char* key, const Json& json, const TextKey& member) const {
  check_type(json.is_string(), key, json, "a string");
  const Words& words = member.rule.words;
  if (!words.empty() && !(member.rule.optional && json.get<std::string>().empty())) {
    read(key, json, WordKey{member.value, words});
  }
  member.value = json.get<std::string>();
}

template <class Number>
void SpecReader::read(const char* key, const Json& json, const ListKey<Number>& member) const {
  const ListRule<Number>& rule = member.rule;
  const bool fits = json.is_array() && (rule.may_be_empty || !json.empty()) &&
                    std::all_of(json.begin(), json.end(),
                                [&](const Json& element) { return is_in(element, rule.elements); });
  check_type(fits, key, json, "a list of " + span(rule.elements, "s"));
  if (json.size() > rule.most) {
    fail(key, "must be " + std::to_string(rule.most) + " " + rule.called + " at most, found " +
                  std::to_string(json.size()));
  }
  member.value.clear();
  std::transform(json.begin(), json.end(), std::back_inserter(member.value), value_of<Number>);
}

void SpecReader::read(const char* key, const Json& json, const WordKey& member) const {
  const Words& words = member.words;
  check_type(std::find(words.begin(), words.end(), json) != words.end(), key, json,
             "one of " + join(words));
  member.value = json.get<std::string>();
}

void SpecReader::object(const char* key, const std::string& /*text*/, const Members& members) {
  static const Json kEmpty = Json::object();
  const Json* json = find(key);
  open(json == nullptr ? kEmpty : *json, json_pointer(open_.back().pointer, key));
  members();
  finish();
  open_.pop_back();
}

void SpecReader::only(const char* /*what*/, bool applies, const Members& members) {
  if (applies) {
    members();
  }
}

void SpecReader::required(const std::vector<const char*>& keys) {
  for (const char* key : keys) {
    require(
        key, open_.back().json->contains(key),
        "is missing; a spec needs " + join({keys.begin(), keys.end() - 1}) + " and " + keys.back());
  }
}

void SpecReader::require(const char* key, bool holds, const std::string& message) {
  if (!holds) {
    fail(key, message);
  }
}

void SpecReader::finish() const {
  const Words& known = open_.back().known;
  for (const auto& [key, value] : open_.back().json->items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) {
      continue;
    }
    const std::string name = key.substr(0, kLongestName);
    const auto nearest = std::min_element(known.begin(), known.end(),
                                          [&](const std::string& a, const std::string& b) {
                                            return edit_distance(name, a) < edit_distance(name, b);
                                          });
    fail(key,
         "is not a known key; did you mean '" + *nearest + "'? Known keys here: " + join(known));
  }
}

}  // namespace accrete::models
