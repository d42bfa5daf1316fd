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

/// Where the transformed windows go. One row per tile, its channels in chunks, for each frequency.
struct WindowTarget {
  float* data;
  std::int64_t pitch;             ///< of tiles
  std::int64_t chunk_floats;      ///< from one chunk of kChunk channels to the next
  std::int64_t frequency_floats;  ///< from one frequency to the next
};

/// One window: four lines of four pixels each.
HWY_INLINE void transform_window(const float* const (&lines)[4], std::int64_t channels,
                                 float* target, const WindowTarget& to) {
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    const Square<4> window = load_square<4>([&](std::size_t r, std::size_t s) HWY_ATTR {
      return load_lanes(lines[r] + static_cast<std::int64_t>(s) * channels + c);
    });
    store_square(transformed<OfInput>(window), target + c / kChunk * to.chunk_floats + c % kChunk,
                 to.frequency_floats);
  }
}

/// Rows [first, last) of `windows`, a matrix of windows of 4x4. Lines outside the image are read
/// from `zeros`.
template <class Transform>
void transform_windows(const Im2col& windows, LineRing<float, Transform>& ring, std::int64_t first,
                       std::int64_t last, const float* zeros, const WindowTarget& to) {
  WindowCursor cursor(windows, first);
  float* target = to.data;
  for (std::int64_t tile = first; tile < last; ++tile, cursor.advance(), target += to.pitch) {
    const Window window = cursor.window();
    ring.prepare(window);
    const float* lines[4];
    for (std::int64_t r = 0; r < 4; ++r) {
      const float* taps = ring.filter_row(window, r);
      lines[r] = taps == nullptr ? zeros : taps;
    }
    transform_window(lines, windows.channels, target, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
