// SPDX-License-Identifier: Apache-2.0
// The transformed windows of tiles, from the lines of a ring.
#if defined(ACCRETE_CPU_WINOGRAD_WINDOWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_WINOGRAD_WINDOWS_INL_H_
#undef ACCRETE_CPU_WINOGRAD_WINDOWS_INL_H_
#else
#define ACCRETE_CPU_WINOGRAD_WINDOWS_INL_H_
#endif

#include <cstdint>

#include "cpu/gemm/line_ring-inl.h"
#include "cpu/winograd/tiles.h"
#include "cpu/winograd/transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// The lines of floats that windows are read from.
template <class T, class Transform>
using WindowRing = LineRing<T, Transform, float>;

/// The four lines of a window, of four pixels each.
struct WindowLines {
  const float* line[4];

  /// The next window of a ring; lines outside the image are `zeros`.
  template <class Ring>
  WindowLines(Ring& ring, const Window& window, const float* zeros) {
    ring.prepare(window);
    for (std::int64_t r = 0; r < 4; ++r) {
      const float* taps = ring.filter_row(window, r);
      line[r] = taps == nullptr ? zeros : taps;
    }
  }
  /// The transform of a vector of channels from c on.
  HWY_INLINE Square<4> transformed_at(std::int64_t channels, std::int64_t c) const {
    return transformed<OfInput>(load_square<4>([&](std::size_t r, std::size_t s) HWY_ATTR {
      return load_lanes(line[r] + static_cast<std::int64_t>(s) * channels + c);
    }));
  }
};

/// Where the transformed windows go: one row per window, its channels in chunks of kChunk, for each
/// frequency.
struct WindowTarget {
  float* data;
  std::int64_t pitch;             ///< of windows
  std::int64_t chunk_floats;      ///< from one chunk to the next
  std::int64_t frequency_floats;  ///< from one frequency to the next
};

/// Rows [first, last) of `windows`, a matrix of windows of 4x4.
template <class T, class Transform>
void transform_windows(const Im2col& windows, WindowRing<T, Transform>& ring, std::int64_t first,
                       std::int64_t last, const float* zeros, const WindowTarget& to) {
  WindowCursor cursor(windows, first);
  float* target = to.data;
  for (; first < last; ++first, cursor.advance(), target += to.pitch) {
    const WindowLines lines(ring, cursor.window(), zeros);
    for (std::int64_t c = 0; c < windows.channels; c += kLanes) {
      store_square(lines.transformed_at(windows.channels, c),
                   target + c / kChunk * to.chunk_floats + c % kChunk, to.frequency_floats);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
