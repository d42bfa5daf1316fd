// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/json_text.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace accrete {
namespace {

using Json = nlohmann::json;

// Reads the text and tells how far it has come: handlers of single events are not told.
class TextIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TextIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  TextIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  friend bool operator!=(const TextIterator& a, const TextIterator& b) { return a.at_ != b.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// An object or array that is open. Keys are kept in a tree, not hashed: nobody can choose keys
// that make it slow.
struct Level {
  bool is_object = false;
  std::set<std::string> keys;
  std::string key;        // object: the member being read
  std::size_t index = 0;  // array: elements begun
};

// Takes the events of nlohmann's parser, builds nothing, stops at the first fault.
class FaultFinder {
 public:
  FaultFinder(std::string_view text, const JsonLimits& limits)
      : text_(text), limits_(limits), reached_(text.data()) {}

  std::optional<JsonFault> run() {
    if (text_.size() > limits_.bytes) {
      fail(JsonFaultKind::too_long, "has " + std::to_string(text_.size()) + " bytes, at most " +
                                        std::to_string(limits_.bytes) + " are read");
    } else if (text_.find('\0') != std::string_view::npos) {
      reached_ += text_.find('\0');  // to the parser it would be the end of the text
      fail(JsonFaultKind::syntax, "a NUL byte is no JSON");
    } else {
      Json::sax_parse(TextIterator(text_.data(), &reached_),
                      TextIterator(text_.data() + text_.size(), &reached_), this,
                      nlohmann::detail::input_format_t::json, true, limits_.comments);
    }
    return std::move(fault_);
  }

  bool null() { return value(); }
  bool boolean(bool) { return value(); }
  bool number_integer(Json::number_integer_t) { return value(); }
  bool number_unsigned(Json::number_unsigned_t) { return value(); }
  bool number_float(Json::number_float_t, const std::string&) { return value(); }
  bool string(const std::string& text) { return value() && no_nul(text); }
  bool binary(Json::binary_t&) { return value(); }
  bool start_object(std::size_t) { return open(true); }
  bool start_array(std::size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(const std::string& text) {
    Level& object = levels_.back();
    object.key = text;
    if (!object.keys.insert(text).second) {
      return fail(JsonFaultKind::duplicate_key, "stands twice in its object; keep one of the two");
    }
    return no_nul(text);
  }

  bool parse_error(std::size_t, const std::string& token,
                   const nlohmann::detail::exception& error) {
    constexpr int kNumberOverflow = 406;  // json.exception.out_of_range.406
    if (error.id == kNumberOverflow) {
      return value() && fail(JsonFaultKind::out_of_range,
                             "is a number that no double holds: " + excerpt(token, 40));
    }
    const std::string text = error.what();  // "[json.exception...] parse error at line 1, ..."
    return fail(JsonFaultKind::syntax, excerpt(text.substr(text.find(']') + 2), 200));
  }

 private:
  bool value() {
    if (!levels_.empty() && !levels_.back().is_object) {
      ++levels_.back().index;
    }
    return true;
  }

  bool open(bool is_object) {
    value();
    if (levels_.size() == limits_.levels) {
      return fail(JsonFaultKind::too_deep, "has more than " + std::to_string(limits_.levels) +
                                               " levels of objects and lists");
    }
    levels_.emplace_back();
    levels_.back().is_object = is_object;
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  bool no_nul(const std::string& text) {
    return text.find('\0') == std::string::npos ||
           fail(JsonFaultKind::nul_character, "has the character U+0000; leave it out");
  }

  std::string place() const {
    std::string pointer;
    for (const Level& level : levels_) {
      const bool inside = level.is_object ? !level.keys.empty() : level.index > 0;
      if (inside) {
        pointer =
            json_pointer(pointer, level.is_object ? level.key : std::to_string(level.index - 1));
      }
    }
    return pointer;
  }

  bool fail(JsonFaultKind kind, const std::string& why) {
    const std::string pointer = place();
    const auto byte = static_cast<std::size_t>(reached_ - text_.data());
    const std::string what = kind == JsonFaultKind::syntax ? "not valid JSON: " + why
                             : pointer.empty()             ? "the JSON text " + why
                                                           : excerpt(pointer, 120) + " " + why;
    fault_ = {kind, pointer, byte, what + " (at byte " + std::to_string(byte) + ")"};
    return false;
  }

  std::string_view text_;
  const JsonLimits& limits_;
  const char* reached_;
  std::vector<Level> levels_;
  std::optional<JsonFault> fault_;
};

std::string escaped_byte(char byte) {
  char text[8];
  std::snprintf(text, sizeof(text), "\\x%02x",
                static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return text;
}

// Bytes of the UTF-8 character that `text` starts with (RFC 3629, section 4), 0 if it is none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  const std::size_t bytes = first < 0x80                    ? 1
                            : first >= 0xC2 && first < 0xE0 ? 2
                            : first >= 0xE0 && first < 0xF0 ? 3
                            : first >= 0xF0 && first < 0xF5 ? 4
                                                            : 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    const unsigned low = i > 1 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = i > 1 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(i) < low || byte(i) > high) {
      return 0;
    }
  }
  return bytes;
}

// Whether `text` starts with a control character: C0, DEL or, in UTF-8, C1.
bool is_control(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  return byte(0) < 0x20 || byte(0) == 0x7F ||
         (text.size() > 1 && byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) < 0xA0);
}

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text, const JsonLimits& limits) {
  return FaultFinder(text, limits).run();
}

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text) {
    if (static_cast<unsigned char>(byte) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(byte));
      quoted += escape;
    } else {
      quoted += byte == '"' || byte == '\\' ? std::string("\\") + byte : std::string(1, byte);
    }
  }
  return quoted + '"';
}

std::string json_pointer(const std::string& pointer, std::string_view key) {
  std::string longer = pointer + '/';
  for (const char byte : key) {
    longer += byte == '~' ? "~0" : byte == '/' ? "~1" : std::string(1, byte);
  }
  return longer;
}

bool has_control_characters(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (is_control(text)) {
      return true;
    }
  }
  return false;
}

std::string excerpt(std::string_view text, std::size_t bytes) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    const std::size_t length = std::max<std::size_t>(character_bytes(rest), 1);
    if (at + length > bytes) {
      return shown + "...";
    }
    if (character_bytes(rest) == 0 || is_control(rest)) {
      for (const char byte : rest.substr(0, length)) {
        shown += escaped_byte(byte);
      }
    } else {
      shown += rest.substr(0, length);
    }
    at += length;
  }
  return shown;
}

}  // namespace accrete
