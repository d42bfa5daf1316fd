// SPDX-License-Identifier: Apache-2.0
// A stable hash of text: random streams named after tensors use it.
#pragma once

#include <cstdint>
#include <string>

namespace accrete {

/// FNV-1a, 64 bits (Fowler, Noll & Vo; IETF draft-eastlake-fnv).
inline std::uint64_t text_hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

}  // namespace accrete
