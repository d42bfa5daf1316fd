// SPDX-License-Identifier: Apache-2.0
// Sizes that all instruction sets share, so that workspaces and results' order do not depend on
// the one in use.
#pragma once

#include <cstdint>

namespace accrete::kernels::cpu {

/// Row granularity of tasks: the tallest tile of any instruction set.
constexpr std::int64_t kRowUnit = 14;
/// Common multiple of the tile heights (14 and 6) in use, the granularity of column blocks.
constexpr std::int64_t kColumnUnit = 42;
/// Column granularity of packed operands: the widest vector in floats. Also the slack behind a
/// packed row, so that whole vectors may be stored at its end.
constexpr std::int64_t kMaxLanes = 16;
/// Packed rows of the dot form come in chunks of this many floats, at a pitch known at compile
/// time: the tiles address all rows of a chunk from one register. An odd number of cache lines.
constexpr std::int64_t kChunk = 256;
constexpr std::int64_t kChunkPitch = kChunk + kMaxLanes;

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
inline std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}

}  // namespace accrete::kernels::cpu
