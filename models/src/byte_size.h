// SPDX-License-Identifier: Apache-2.0
// Sizes of memory as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace accrete::models {

/// "4GiB", "1.5 GB", "800MiB": a positive number and a unit, KB to TB (powers of 1000) or KiB to
/// TiB (powers of 1024), in bytes rounded down to whole KiB, at least one. Nothing for any other
/// text.
std::optional<std::int64_t> parse_byte_size(const std::string& text);

}  // namespace accrete::models
