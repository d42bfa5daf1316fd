// SPDX-License-Identifier: Apache-2.0
// Strict reading of one JSON object: every key is asked for by name and type, and finish() refuses
// what nobody asked for. The object is of a text without faults (accrete/engine/json_text.h).
// Messages show the beginning of what was found.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace accrete::models {

class JsonReader {
 public:
  /// `pointer` is the JSON pointer of `object` ("" for the root); `source` names the text.
  JsonReader(const nlohmann::json& object, std::string pointer, std::string source);

  bool has(const char* key) const;
  /// Each overwrites `value` if the key is present, after checking type and range.
  void integer(const char* key, std::int64_t& value, std::int64_t min, std::int64_t max);
  void number(const char* key, double& value, double min, double max);
  void boolean(const char* key, bool& value);
  void string(const char* key, std::string& value);
  /// Lists of at most `most`, which messages call `what`; one of integers is not empty.
  void integers(const char* key, std::vector<std::int64_t>& value, std::int64_t min,
                std::int64_t max, std::size_t most, const char* what);
  void numbers(const char* key, std::vector<double>& value, double min, double max,
               std::size_t most);
  /// One of `names`; `value` becomes its index.
  void choice(const char* key, const std::vector<std::string>& names, std::size_t& value);
  template <class Enum>
  void choice(const char* key, const std::vector<std::string>& names, Enum& value) {
    auto index = static_cast<std::size_t>(value);
    choice(key, names, index);
    value = static_cast<Enum>(index);
  }
  /// The object under `key`, empty if absent. Call finish() on it too.
  JsonReader object(const char* key);

  /// Throws Error(spec) if the object has a key that was never asked for, naming the nearest one.
  void finish() const;
  /// Throws Error(spec) about `key` of this object.
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

 private:
  const nlohmann::json* find(const char* key);
  void check_length(const char* key, const nlohmann::json& list, std::size_t most,
                    const char* what) const;
  [[noreturn]] void wrong_type(const char* key, const nlohmann::json& found,
                               const std::string& expected) const;

  nlohmann::json object_;
  std::string pointer_;
  std::string source_;
  std::vector<std::string> known_;
};

}  // namespace accrete::models
