// SPDX-License-Identifier: Apache-2.0
// Strict reading of a spec: every key is asked for by name and type, and what nobody asked for is
// refused. The text is one without faults (accrete/engine/json_text.h). Each refusal is an
// Error(spec) with the key's JSON pointer that shows the beginning of what was found.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "spec_keys.h"

namespace accrete::models {

class SpecReader final : public KeyVisitor {
 public:
  /// `root` must outlive the reader; `source` names its text.
  SpecReader(const nlohmann::json& root, std::string source);

  bool boolean(const char* key, bool& value, const std::string& text) override;
  bool integer(const char* key, std::int64_t& value, Range<std::int64_t> range,
               const std::string& text) override;
  bool number(const char* key, double& value, Range<double> range,
              const std::string& text) override;
  bool string(const char* key, std::string& value, const TextRule& rule,
              const std::string& text) override;
  bool integers(const char* key, Integers& value, const ListRule<std::int64_t>& rule,
                const std::string& text) override;
  bool numbers(const char* key, Numbers& value, const ListRule<double>& rule,
               const std::string& text) override;
  void object(const char* key, const std::string& text, const Members& members) override;
  void only(const char* what, bool applies, const Members& members) override;
  void required(const std::vector<const char*>& keys) override;
  void require(const char* key, bool holds, const std::string& message) override;

  /// To be called behind the last key: refuses a key that was never asked for, naming the nearest
  /// one.
  void finish() const;

 private:
  struct OpenObject {
    const nlohmann::json* json;
    std::string pointer;
    Words known;  // keys that were asked for
  };

  bool word(const char* key, std::size_t& index, const Words& words,
            const std::string& text) override;
  void open(const nlohmann::json& json, std::string pointer);
  const nlohmann::json* find(const char* key);
  void check_type(bool fits, const char* key, const nlohmann::json& found,
                  const std::string& expected) const;
  template <class Number>
  bool list(const char* key, std::vector<Number>& value, const ListRule<Number>& rule,
            const char* what);
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

  std::string source_;
  std::vector<OpenObject> open_;
};

}  // namespace accrete::models
