// SPDX-License-Identifier: Apache-2.0
#include "json_reader.h"

#include <algorithm>
#include <numeric>

#include "accrete/kernels/error.h"

namespace accrete::models {
namespace {

using Json = nlohmann::ordered_json;

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

std::string shown(double value) {
  return Json(value).dump();
}

}  // namespace

JsonReader::JsonReader(const Json& object, std::string pointer, std::string source)
    : object_(object), pointer_(std::move(pointer)), source_(std::move(source)) {
  if (!object_.is_object()) {
    throw Error(ErrorCode::spec, source_ + ": " + (pointer_.empty() ? "/" : pointer_) +
                                     " must be an object, found " + object_.dump());
  }
}

void JsonReader::fail(const std::string& key, const std::string& message) const {
  throw Error(ErrorCode::spec, source_ + ": " + pointer_ + "/" + key + " " + message);
}

void JsonReader::wrong_type(const char* key, const Json& found, const std::string& expected) const {
  fail(key, "must be " + expected + ", found " + found.dump());
}

bool JsonReader::has(const char* key) const {
  return object_.contains(key);
}

const Json* JsonReader::find(const char* key) {
  known_.emplace_back(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void JsonReader::integer(const char* key, std::int64_t& value, std::int64_t min, std::int64_t max) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  const std::string expected =
      "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  if (!json->is_number_integer()) {
    wrong_type(key, *json, expected);
  }
  const bool too_large = json->is_number_unsigned() &&
                         json->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (too_large || json->get<std::int64_t>() < min || json->get<std::int64_t>() > max) {
    wrong_type(key, *json, expected);
  }
  value = json->get<std::int64_t>();
}

void JsonReader::number(const char* key, double& value, double min, double max) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  const bool fits = json->is_number() && json->get<double>() >= min && json->get<double>() <= max;
  if (!fits) {
    wrong_type(key, *json, "a number from " + shown(min) + " to " + shown(max));
  }
  value = json->get<double>();
}

void JsonReader::boolean(const char* key, bool& value) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  if (!json->is_boolean()) {
    wrong_type(key, *json, "true or false");
  }
  value = json->get<bool>();
}

void JsonReader::string(const char* key, std::string& value) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  if (!json->is_string()) {
    wrong_type(key, *json, "a string");
  }
  value = json->get<std::string>();
}

void JsonReader::integers(const char* key, std::vector<std::int64_t>& value, std::int64_t min,
                          std::int64_t max) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  bool fits = json->is_array() && !json->empty();
  for (const Json& element : fits ? *json : Json::array()) {
    fits = fits && element.is_number_integer() && element.get<std::int64_t>() >= min &&
           element.get<std::int64_t>() <= max;
  }
  if (!fits) {
    wrong_type(
        key, *json,
        "a list of whole numbers from " + std::to_string(min) + " to " + std::to_string(max));
  }
  value = json->get<std::vector<std::int64_t>>();
}

void JsonReader::numbers(const char* key, std::vector<double>& value, double min, double max) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  bool fits = json->is_array();
  for (const Json& element : fits ? *json : Json::array()) {
    fits =
        fits && element.is_number() && element.get<double>() >= min && element.get<double>() <= max;
  }
  if (!fits) {
    wrong_type(key, *json, "a list of numbers from " + shown(min) + " to " + shown(max));
  }
  value = json->get<std::vector<double>>();
}

void JsonReader::choice(const char* key, const std::vector<std::string>& names,
                        std::size_t& value) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  const auto found = json->is_string()
                         ? std::find(names.begin(), names.end(), json->get<std::string>())
                         : names.end();
  if (found == names.end()) {
    wrong_type(key, *json, "one of " + join(names));
  }
  value = static_cast<std::size_t>(found - names.begin());
}

JsonReader JsonReader::object(const char* key) {
  const Json* json = find(key);
  return {json == nullptr ? Json::object() : *json, pointer_ + "/" + key, source_};
}

void JsonReader::finish() const {
  for (const auto& [key, value] : object_.items()) {
    const std::string& name = key;
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) {
      continue;
    }
    const auto nearest = std::min_element(known_.begin(), known_.end(),
                                          [&](const std::string& a, const std::string& b) {
                                            return edit_distance(name, a) < edit_distance(name, b);
                                          });
    fail(name,
         "is not a known key; did you mean '" + *nearest + "'? Known keys here: " + join(known_));
  }
}

}  // namespace accrete::models
