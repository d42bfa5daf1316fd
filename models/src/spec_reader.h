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

  bool visit(const char* key, const Key& member, const std::string& text) override;
  void open(const nlohmann::json& json, std::string pointer);
  const nlohmann::json* find(const char* key);
  void check_type(bool fits, const char* key, const nlohmann::json& found,
                  const std::string& expected) const;
  // Each overwrites the member after checking type and range.
  void read(const char* key, const nlohmann::json& json, const BooleanKey& member) const;
  template <class Number>
  void read(const char* key, const nlohmann::json& json, const NumberKey<Number>& member) const;
  void read(const char* key, const nlohmann::json& json, const TextKey& member) const;
  template <class Number>
  void read(const char* key, const nlohmann::json& json, const ListKey<Number>& member) const;
  void read(const char* key, const nlohmann::json& json, const WordKey& member) const;
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

  std::string source_;
  std::vector<OpenObject> open_;
};

}  // namespace accrete::models
