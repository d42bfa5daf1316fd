// SPDX-License-Identifier: Apache-2.0
// Packing of a matrix whose windows overlap. The lines of the source that the windows of a tile
// read lie in a ring in the L2 cache: transformed once, at the channels' own pitch and between
// zeros for the padding, so that a filter row of any window is one contiguous run.
#if defined(ACCRETE_CPU_GEMM_LINE_RING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_LINE_RING_INL_H_
#undef ACCRETE_CPU_GEMM_LINE_RING_INL_H_
#else
#define ACCRETE_CPU_GEMM_LINE_RING_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "cpu/gemm/copy_run-inl.h"
#include "cpu/gemm/im2col.h"
#include "cpu/gemm/line_ring.h"
#include "cpu/gemm/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

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

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
