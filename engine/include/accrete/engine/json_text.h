// SPDX-License-Identifier: Apache-2.0
// JSON from outside, looked at before anything is made of it: specs, overrides, headers of weight
// files, lines of metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace accrete {

enum class JsonFaultKind : std::uint8_t {
  too_long,       ///< more bytes than the limit
  syntax,         ///< no JSON, or a string that is not UTF-8
  too_deep,       ///< more objects and arrays inside each other than the limit
  duplicate_key,  ///< an object that has a key twice
  out_of_range,   ///< a number that no double holds
  nul_character,  ///< U+0000, at which paths and names would end early
};

struct JsonFault {
  JsonFaultKind kind = JsonFaultKind::syntax;
  std::string pointer;   ///< JSON pointer (RFC 6901) of where it is, "" for the root
  std::size_t byte = 0;  ///< bytes of the text that were read when it was found
  std::string message;   ///< a sentence with the place, without a full stop; of bounded length
};

struct JsonLimits {
  std::size_t bytes = std::size_t{16} << 20;  ///< of the whole text
  std::size_t levels = 32;                    ///< of objects and arrays
  bool comments = false;                      ///< `//` and `/* */` are allowed
};

/// The first thing that keeps `text` from being used, or nothing: then it parses, no object has a
/// key twice, every number is finite, every string is UTF-8 without U+0000, and recursion over it
/// is safe. Iterative; time n log n in the bytes at worst, whatever the text is.
std::optional<JsonFault> find_json_fault(std::string_view text, const JsonLimits& limits = {});

/// `text` as a JSON string with its quotes. Bytes that are not UTF-8 stay, for find_json_fault.
std::string json_quoted(std::string_view text);

/// `pointer` one key further, with the escapes of RFC 6901.
std::string json_pointer(const std::string& pointer, std::string_view key);

/// Whether `text` has a character that moves the cursor or changes the terminal it is printed on:
/// U+0000 to U+001F, U+007F to U+009F.
bool has_control_characters(std::string_view text);

/// `text` for a message: at most `bytes` and "..." if it is longer, control characters and bytes
/// that are not UTF-8 as \xNN.
std::string excerpt(std::string_view text, std::size_t bytes = 80);

}  // namespace accrete
