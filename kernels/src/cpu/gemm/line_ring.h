// SPDX-License-Identifier: Apache-2.0
// Size of the ring of source lines that a task keeps while it packs a matrix (line_ring-inl.h).
#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/gemm/im2col.h"
#include "cpu/gemm/tile_sizes.h"

namespace accrete::kernels::cpu {

struct LineRingSize {
  std::int64_t lines = 0;        ///< a power of two; 0: the matrix is packed without a ring
  std::int64_t line_floats = 0;  ///< words of a line: padding included, and slack for vectors

  std::int64_t floats() const { return lines * line_floats; }
};

/// The ring holds every line that the windows of `rows` neighbouring rows read. A matrix of
/// single taps, or of none, reads no pixel twice: it needs no ring.
inline LineRingSize line_ring_size(const Im2col& matrix, std::int64_t rows) {
  LineRingSize size;
  if (matrix.filter_h * matrix.filter_w <= 1) {
    return size;
  }
  // The rows begin at most this many new lines of output, each this many lines of input below the
  // one before; from one image to the next it may be more than the stride.
  const std::int64_t changes = ceil_div(rows - 1, matrix.out_w);
  const std::int64_t step =
      std::max(matrix.stride_h, matrix.height - (matrix.out_h - 1) * matrix.stride_h);
  const std::int64_t wanted = changes * step + matrix.filter_h;
  for (size.lines = 1; size.lines < wanted; size.lines *= 2) {
  }
  const std::int64_t width = (matrix.out_w - 1) * matrix.stride_w + matrix.filter_w;
  const std::int64_t words = ceil_div(width * matrix.channels, matrix.word_elements());
  size.line_floats = round_up(words, kMaxLanes) + kMaxLanes;
  return size;
}

}  // namespace accrete::kernels::cpu
