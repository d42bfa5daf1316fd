// SPDX-License-Identifier: Apache-2.0
#include "json_reader.h"

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

bool is_whole_number(const Json& json, std::int64_t min, std::int64_t max) {
  const bool too_large = json.is_number_unsigned() &&
                         json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  return json.is_number_integer() && !too_large && json.get<std::int64_t>() >= min &&
         json.get<std::int64_t>() <= max;
}

bool is_number(const Json& json, double min, double max) {
  return json.is_number() && json.get<double>() >= min && json.get<double>() <= max;
}

// -0 is the number 0, so that equal runs are written alike.
double number_of(const Json& json) {
  return json.get<double>() + 0.0;
}

}  // namespace

JsonReader::JsonReader(const Json& object, std::string pointer, std::string source)
    : object_(object), pointer_(std::move(pointer)), source_(std::move(source)) {
  if (!object_.is_object()) {
    throw Error(ErrorCode::spec, source_ + ": " + (pointer_.empty() ? "/" : pointer_) +
                                     " must be an object, found " + shown(object_));
  }
}

void JsonReader::fail(const std::string& key, const std::string& message) const {
  throw Error(ErrorCode::spec,
              source_ + ": " + excerpt(json_pointer(pointer_, key), 120) + " " + message);
}

void JsonReader::wrong_type(const char* key, const Json& found, const std::string& expected) const {
  fail(key, "must be " + expected + ", found " + shown(found));
}

void JsonReader::check_length(const char* key, const Json& list, std::size_t most,
                              const char* what) const {
  if (list.size() > most) {
    fail(key, "must be " + std::to_string(most) + " " + what + " at most, found " +
                  std::to_string(list.size()));
  }
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
  if (!is_whole_number(*json, min, max)) {
    wrong_type(key, *json,
               "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  value = json->get<std::int64_t>();
}

void JsonReader::number(const char* key, double& value, double min, double max) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  if (!is_number(*json, min, max)) {
    wrong_type(key, *json, "a number from " + shown(min) + " to " + shown(max));
  }
  value = number_of(*json);
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
                          std::int64_t max, std::size_t most, const char* what) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  const bool fits = json->is_array() && !json->empty() &&
                    std::all_of(json->begin(), json->end(), [&](const Json& element) {
                      return is_whole_number(element, min, max);
                    });
  if (!fits) {
    wrong_type(
        key, *json,
        "a list of whole numbers from " + std::to_string(min) + " to " + std::to_string(max));
  }
  check_length(key, *json, most, what);
  value = json->get<std::vector<std::int64_t>>();
}

void JsonReader::numbers(const char* key, std::vector<double>& value, double min, double max,
                         std::size_t most) {
  const Json* json = find(key);
  if (json == nullptr) {
    return;
  }
  const bool fits = json->is_array() && std::all_of(json->begin(), json->end(), [&](const Json& e) {
                      return is_number(e, min, max);
                    });
  if (!fits) {
    wrong_type(key, *json, "a list of numbers from " + shown(min) + " to " + shown(max));
  }
  check_length(key, *json, most, "numbers");
  value.clear();
  std::transform(json->begin(), json->end(), std::back_inserter(value), number_of);
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
  return {json == nullptr ? Json::object() : *json, json_pointer(pointer_, key), source_};
}

void JsonReader::finish() const {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) {
      continue;
    }
    const std::string name = key.substr(0, kLongestName);
    const auto nearest = std::min_element(known_.begin(), known_.end(),
                                          [&](const std::string& a, const std::string& b) {
                                            return edit_distance(name, a) < edit_distance(name, b);
                                          });
    fail(key,
         "is not a known key; did you mean '" + *nearest + "'? Known keys here: " + join(known_));
  }
}

}  // namespace accrete::models
