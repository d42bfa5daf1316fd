// SPDX-License-Identifier: Apache-2.0
// Every key of a spec, described once, in spec_keys.cpp: its name, type, range, default and text.
// What reads a spec, writes it out and documents it are visitors of that description.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "accrete/models/run_spec.h"

namespace accrete::models {

template <class Number>
struct Range {
  Number min, max;  ///< both allowed
};

/// What the lists under a key may hold.
template <class Number>
struct ListRule {
  Range<Number> elements;
  std::size_t most;                ///< elements
  const char* called = "numbers";  ///< what messages call them
  bool may_be_empty = true;
};

/// What a text may be.
struct TextRule {
  bool optional = false;                ///< empty: the key is left out
  std::vector<std::string> words = {};  ///< not empty: one of these
  std::size_t most_bytes = 0;           ///< 0: any number
  const char* pattern = nullptr;        ///< regular expression for editors
};

/// What may stand behind a key, and the member that it is for, which has its default at first.
struct BooleanKey {
  bool& value;
};
template <class Number>
struct NumberKey {
  Number& value;
  Range<Number> range;
};
struct TextKey {
  std::string& value;
  const TextRule& rule;
};
template <class Number>
struct ListKey {
  std::vector<Number>& value;
  const ListRule<Number>& rule;
};
struct WordKey {
  std::string& value;
  const std::vector<std::string>& words;
};
using Key = std::variant<BooleanKey, NumberKey<std::int64_t>, NumberKey<double>, TextKey,
                         ListKey<std::int64_t>, ListKey<double>, WordKey>;

/// Goes through the keys of an object. Each key is given with its member and a text for tables,
/// which says what it means; whether the spec has it is returned.
class KeyVisitor {
 public:
  using Words = std::vector<std::string>;
  using Members = std::function<void()>;

  KeyVisitor() = default;
  virtual ~KeyVisitor() = default;
  KeyVisitor(const KeyVisitor&) = delete;
  KeyVisitor& operator=(const KeyVisitor&) = delete;

  bool boolean(const char* key, bool& value, const std::string& text) {
    return visit(key, BooleanKey{value}, text);
  }
  bool integer(const char* key, std::int64_t& value, Range<std::int64_t> range,
               const std::string& text) {
    return visit(key, NumberKey<std::int64_t>{value, range}, text);
  }
  bool number(const char* key, double& value, Range<double> range, const std::string& text) {
    return visit(key, NumberKey<double>{value, range}, text);
  }
  bool string(const char* key, std::string& value, const TextRule& rule, const std::string& text) {
    return visit(key, TextKey{value, rule}, text);
  }
  bool integers(const char* key, std::vector<std::int64_t>& value,
                const ListRule<std::int64_t>& rule, const std::string& text) {
    return visit(key, ListKey<std::int64_t>{value, rule}, text);
  }
  bool numbers(const char* key, std::vector<double>& value, const ListRule<double>& rule,
               const std::string& text) {
    return visit(key, ListKey<double>{value, rule}, text);
  }
  /// `words` are those of the enumerators, in their order.
  template <class Enum>
  bool choice(const char* key, Enum& value, const Words& words, const std::string& text) {
    std::string word = words[static_cast<std::size_t>(value)];
    const bool given = visit(key, WordKey{word, words}, text);
    value = static_cast<Enum>(std::find(words.begin(), words.end(), word) - words.begin());
    return given;
  }

  /// An object under `key`, whose keys `members` visits.
  virtual void object(const char* key, const std::string& text, const Members& members) = 0;
  /// Keys that an object has only in case of `what`, which `applies` or not.
  virtual void only(const char* what, bool applies, const Members& members) = 0;
  /// Keys that may not be left out.
  virtual void required(const std::vector<const char*>& /*keys*/) {}
  /// Refuses what was given for `key`, with the message, unless `holds`.
  virtual void require(const char* /*key*/, bool /*holds*/, const std::string& /*message*/) {}

 private:
  virtual bool visit(const char* key, const Key& member, const std::string& text) = 0;
};

/// The largest whole number.
constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

/// "4GiB", "1.5 GB", "800MiB": a positive number and a unit, KB to TB (powers of 1000) or KiB to
/// TiB (powers of 1024), in bytes rounded down to whole KiB, at least one. Nothing for any other
/// text.
std::optional<std::int64_t> parse_byte_size(const std::string& text);

/// Visits every key of /model.
void visit_model(KeyVisitor& keys, ModelSpec& model);

/// Visits every key of `spec` in the order in which they are written.
void visit_keys(KeyVisitor& keys, RunSpec& spec);

}  // namespace accrete::models
