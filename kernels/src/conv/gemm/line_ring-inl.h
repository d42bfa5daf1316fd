// SPDX-License-Identifier: Apache-2.0
// How windows of the source become packed rows: runs of neighbouring elements, and the ring of
// lines that those of overlapping windows are taken from.
#if defined(ACCRETE_CPU_GEMM_LINE_RING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_LINE_RING_INL_H_
#undef ACCRETE_CPU_GEMM_LINE_RING_INL_H_
#else
#define ACCRETE_CPU_GEMM_LINE_RING_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "conv/gemm/blocking.h"
#include "conv/gemm/im2col.h"
#include "conv/gemm/words-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Runs of neighbouring elements. They are written in whole vectors, so up to a vector less one
// element behind a run is overwritten.

/// Vectors of elements that are moved as they are.
inline float* raw(float* elements) {
  return elements;
}
inline const float* raw(const float* elements) {
  return elements;
}
inline std::uint16_t* raw(Bf16* elements) {
  return bits_of(elements);
}
inline const std::uint16_t* raw(const Bf16* elements) {
  return bits_of(elements);
}
template <class T>
using Raw = std::remove_pointer_t<decltype(raw(static_cast<T*>(nullptr)))>;
template <class T>
using RawTag = hn::ScalableTag<Raw<T>>;
template <class T>
constexpr std::int64_t kRawLanes = HWY_LANES(Raw<T>);

template <class T>
HWY_INLINE void zero_run(T* target, std::int64_t count) {
  const RawTag<T> d;
  for (std::int64_t i = 0; i < count; i += kRawLanes<T>) {
    hn::StoreU(hn::Zero(d), d, raw(target + i));
  }
}

/// `count` elements; as many may be read behind the source as are written behind the target.
template <class T>
HWY_INLINE void copy_padded(const T* source, std::int64_t count, T* target) {
  const RawTag<T> d;
  for (std::int64_t i = 0; i < count; i += kRawLanes<T>) {
    hn::StoreU(hn::LoadU(d, raw(source + i)), d, raw(target + i));
  }
}

/// `count` elements and nothing behind the source.
HWY_INLINE void copy_exact(const float* source, std::int64_t count, float* target) {
  const FloatTag d;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(hn::LoadU(d, source + i), d, target + i);
  }
  if (i < count) {
    hn::StoreU(load_some(source + i, count - i), d, target + i);
  }
}
HWY_INLINE void copy_exact(const Bf16* source, std::int64_t count, Bf16* target) {
  const HalfTag half;
  const RawTag<Bf16> d;
  std::int64_t i = 0;
  for (; i + kRawLanes<Bf16> <= count; i += kRawLanes<Bf16>) {
    hn::StoreU(hn::LoadU(d, raw(source + i)), d, raw(target + i));
  }
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(hn::LoadU(half, raw(source + i)), half, raw(target + i));
  }
  if (i < count) {
    hn::StoreU(load_some_halves(source + i, count - i), half, raw(target + i));
  }
}

/// `count` neighbouring channels from `channel` on, through the transform.
template <class Transform, class T, class Packed>
HWY_INLINE void copy_run(const Transform& transform, const T* source, std::int64_t channel,
                         std::int64_t count, Packed* target) {
  if constexpr (!Transform::kPerChannel && std::is_same_v<T, Packed>) {
    copy_exact(source, count, target);
  } else {
    const auto run = transform.bind(source, channel);
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      store_lanes(run.load(i), target + i);
    }
    if (i < count) {
      store_lanes(run.load_some(i, count - i), target + i);
    }
  }
}

// Packing of a matrix whose windows overlap. The lines of the source that the windows of a tile
// read lie in a ring in the L2 cache: transformed once, at the channels' own pitch and between
// zeros for the padding, so that a filter row of any window is one contiguous run.

/// Rows must come in ascending order. T: what the source is made of; Packed: what the lines are.
template <class T, class Transform, class Packed = T>
class LineRing {
 public:
  LineRing(const Im2col& matrix, const Transform& transform, const LineRingSize& size, Packed* data)
      : matrix_(matrix),
        transform_(transform),
        size_(size),
        data_(data),
        first_w_(std::max<std::int64_t>(0, -matrix.pad_w)),
        last_w_(std::min(matrix.width,
                         (matrix.out_w - 1) * matrix.stride_w + matrix.filter_w - matrix.pad_w)) {
    for (std::int64_t line = 0; line < size.lines; ++line) {
      zero_run(this->line(line), std::max<std::int64_t>(0, matrix.pad_w) * matrix.channels);
    }
  }

  /// Makes all that the window reads available. Windows of one tile may be prepared together.
  HWY_INLINE void prepare(const Window& window) {
    const std::int64_t bottom = std::min(window.h + matrix_.filter_h, matrix_.height) - 1;
    const std::int64_t top = std::max<std::int64_t>(window.h, 0);
    if (top > bottom) {
      return;
    }
    const std::int64_t right =
        std::clamp<std::int64_t>(window.w + matrix_.filter_w, 0, matrix_.width);
    if (line_ < 0) {
      line_ = window.first_line + top;
    }
    fill(window.first_line + bottom, right);
  }

  /// Columns `range` of the row of a prepared window.
  HWY_INLINE void pack(const Window& window, const ColumnRange& range, Packed* target) const {
    const std::int64_t width = matrix_.filter_row();
    std::int64_t r = range.r;
    std::int64_t from = range.first - r * width;
    for (std::int64_t rest = range.count(); rest > 0; ++r) {
      const std::int64_t run = std::min(rest, width - from);
      if (const Packed* taps = filter_row(window, r)) {
        copy_padded(taps + from, run, target);
      } else {
        zero_run(target, run);
      }
      target += run;
      rest -= run;
      from = 0;
    }
  }

  /// The taps of row r of a prepared window; null outside the image, where they are zero.
  HWY_INLINE const Packed* filter_row(const Window& window, std::int64_t r) const {
    const std::int64_t h = window.h + r;
    if (h < 0 || h >= matrix_.height) {
      return nullptr;
    }
    return line(window.first_line + h) + (window.w + matrix_.pad_w) * matrix_.channels;
  }

 private:
  std::int64_t line_elements() const { return size_.line_floats * kWordElements<Packed>; }
  Packed* line(std::int64_t number) const {
    return data_ + (number & (size_.lines - 1)) * line_elements();
  }

  /// Transforms pixels up to column `last` of line `last_line`, in raster order.
  void fill(std::int64_t last_line, std::int64_t last) {
    for (; line_ < last_line; ++line_, next_ = 0) {
      fill_line(matrix_.width);
    }
    if (line_ == last_line) {
      fill_line(last);
    }
  }

  /// Transforms pixels [next_, last) of line line_; behind the last pixel of a line come zeros.
  void fill_line(std::int64_t last) {
    std::int64_t w = std::max(next_, first_w_);
    const std::int64_t end = std::min(last, last_w_);
    Packed* target = line(line_) + (w + matrix_.pad_w) * matrix_.channels;
    const T* source =
        static_cast<const T*>(matrix_.data) + (line_ * matrix_.width + w) * matrix_.pitch;
    for (; w < end; ++w, source += matrix_.pitch, target += matrix_.channels) {
      copy_run(transform_, source, matrix_.first_channel, matrix_.channels, target);
    }
    if (next_ < last && last == matrix_.width) {
      Packed* const padding = line(line_) + (last_w_ + matrix_.pad_w) * matrix_.channels;
      constexpr std::int64_t kSlack = kMaxLanes * kWordElements<Packed>;
      zero_run(padding, line(line_) + line_elements() - kSlack - padding);
    }
    next_ = std::max(next_, last);
  }

  const Im2col& matrix_;
  const Transform& transform_;
  LineRingSize size_;
  Packed* data_;
  std::int64_t first_w_, last_w_;  // pixels that some window reads
  std::int64_t line_ = -1;         // the next pixel to be transformed: line and column
  std::int64_t next_ = 0;
};

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
