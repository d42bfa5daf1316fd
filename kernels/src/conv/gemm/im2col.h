// SPDX-License-Identifier: Apache-2.0
// What a convolution multiplies with its weights.
#pragma once

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels::cpu {

// The matrix a convolution multiplies with its weights, as a description of where its elements
// are: one row per output pixel (n,p,q), one column per (r,s,c). It is never stored as a whole.

/// Row (n,p,q), column (r,s,c) is the source at h = p*stride_h - pad_h + r, w = q*stride_w - pad_w
/// + s, and zero outside the image.
struct Im2col {
  const void* data = nullptr;  ///< f32 or bf16
  std::int64_t element_bytes = sizeof(float);
  std::int64_t pitch = 0;                                        ///< in elements
  std::int64_t images = 0, height = 0, width = 0, channels = 0;  // source
  std::int64_t first_channel = 0;  ///< number of the tensor's channel that `data` starts with
  std::int64_t filter_h = 1, filter_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_h = 0, pad_w = 0;  // may be negative
  std::int64_t out_h = 0, out_w = 0;

  std::int64_t rows() const { return images * out_h * out_w; }
  std::int64_t filter_row() const { return filter_w * channels; }
  std::int64_t columns() const { return filter_h * filter_row(); }
  /// Elements in a word of a packed operand.
  std::int64_t word_elements() const { return std::int64_t{sizeof(float)} / element_bytes; }
  const char* bytes() const { return static_cast<const char*>(data); }
  /// The matrix of some of the channels.
  Im2col channel_range(std::int64_t first, std::int64_t count) const {
    Im2col range = *this;
    range.data = bytes() + first * element_bytes;
    range.first_channel += first;
    range.channels = count;
    return range;
  }
  /// Row m is source pixel m.
  bool plain() const {
    return filter_h == 1 && filter_w == 1 && stride_h == 1 && stride_w == 1 && pad_h == 0 &&
           pad_w == 0;
  }
};

/// Where the elements are, without their order. The tensor's data need not exist yet.
inline Im2col source_of(const ConstTensorView& tensor) {
  Im2col m;
  m.data = tensor.data;
  m.element_bytes = static_cast<std::int64_t>(dtype_bytes(tensor.dtype));
  m.pitch = tensor.pitch;
  return m;
}

/// A tensor without data, for sizes that depend on the dtype.
inline ConstTensorView nothing_of(DType dtype) {
  ConstTensorView tensor;
  tensor.dtype = dtype;
  return tensor;
}

/// Rows are the pixels of y, the source is x.
inline Im2col im2col_of_input(const ConvProblem& problem, const ConstTensorView& x) {
  Im2col m = source_of(x);
  m.images = problem.N, m.height = problem.H, m.width = problem.W, m.channels = problem.C;
  m.filter_h = problem.R, m.filter_w = problem.S;
  m.stride_h = problem.stride_h, m.stride_w = problem.stride_w;
  m.pad_h = problem.pad_h, m.pad_w = problem.pad_w;
  m.out_h = problem.P(), m.out_w = problem.Q();
  return m;
}

/// A plain matrix, one row per pixel of the tensor.
inline Im2col rows_of(const ConstTensorView& tensor) {
  Im2col m = source_of(tensor);
  m.images = tensor.shape.n, m.height = tensor.shape.h, m.width = tensor.shape.w;
  m.channels = tensor.shape.c;
  m.out_h = m.height, m.out_w = m.width;
  return m;
}

/// The filter window of one row: the image it reads, the number of lines in the images before that,
/// and the position of its first tap.
struct Window {
  const char* image;
  std::int64_t first_line;
  std::int64_t h, w;
};

/// Walks the rows in order without dividing.
class WindowCursor {
 public:
  WindowCursor(const Im2col& matrix, std::int64_t row) : matrix_(&matrix) {
    const std::int64_t line = row / matrix.out_w;
    q_ = row % matrix.out_w;
    p_ = line % matrix.out_h;
    first_line_ = line / matrix.out_h * matrix.height;
    image_ = matrix.bytes() + first_line_ * line_bytes();
  }

  Window window() const {
    return {image_, first_line_, p_ * matrix_->stride_h - matrix_->pad_h,
            q_ * matrix_->stride_w - matrix_->pad_w};
  }

  void advance() {
    if (++q_ == matrix_->out_w) {
      q_ = 0;
      if (++p_ == matrix_->out_h) {
        p_ = 0;
        first_line_ += matrix_->height;
        image_ += matrix_->height * line_bytes();
      }
    }
  }

 private:
  std::int64_t line_bytes() const {
    return matrix_->width * matrix_->pitch * matrix_->element_bytes;
  }

  const Im2col* matrix_;
  const char* image_;
  std::int64_t first_line_;
  std::int64_t p_, q_;
};

/// Columns [first, last) of the matrix and the tap the first one belongs to.
struct ColumnRange {
  std::int64_t first, last;
  std::int64_t r = 0, s = 0, c = 0;

  /// Of a matrix of single taps.
  ColumnRange(std::int64_t first_in, std::int64_t last_in)
      : first(first_in), last(last_in), c(first_in) {}
  ColumnRange(const Im2col& matrix, std::int64_t first_in, std::int64_t last_in)
      : first(first_in),
        last(last_in),
        r(first_in / matrix.filter_row()),
        s(first_in / matrix.channels % matrix.filter_w),
        c(first_in % matrix.channels) {}
  std::int64_t count() const { return last - first; }
};

// The gradient of the data of a strided convolution, taken apart. Pixels of x whose positions leave
// the same rest when divided by the stride, a phase, meet the same taps of the filter: their
// gradients are a convolution of grad_y with those taps, turned, at stride 1. At stride 1 there is
// one phase, of all pixels and taps.

/// One dimension of a phase.
struct PhaseAxis {
  std::int64_t step = 1;       ///< the stride: between pixels of x, and between taps
  std::int64_t first = 0;      ///< pixel of x
  std::int64_t count = 0;      ///< pixels of x
  std::int64_t first_tap = 0;  ///< of the filter
  std::int64_t taps = 0;       ///< none where the stride is wider than the filter
  std::int64_t pad = 0;        ///< of the convolution at stride 1; may be negative

  /// Tap number `tap` of the turned filter, as a row or column of the filter.
  std::int64_t filter_tap(std::int64_t tap) const { return first_tap + (taps - 1 - tap) * step; }
  /// Pixel number `pixel` of the phase, as a row or column of x.
  std::int64_t position(std::int64_t pixel) const { return first + pixel * step; }
};

struct StridePhase {
  PhaseAxis h, w;
};

inline bool strided(const ConvProblem& problem) {
  return problem.stride_h != 1 || problem.stride_w != 1;
}

/// The phase of pixel (h, w), which lies in the first stride_h x stride_w of the image.
StridePhase stride_phase(const ConvProblem& problem, std::int64_t h, std::int64_t w);

/// Calls visit(phase) for all phases.
template <class Visit>
void for_each_phase(const ConvProblem& problem, const Visit& visit) {
  for (std::int64_t h = 0; h < std::min(problem.stride_h, problem.H); ++h) {
    for (std::int64_t w = 0; w < std::min(problem.stride_w, problem.W); ++w) {
      visit(stride_phase(problem, h, w));
    }
  }
}

/// Rows are the pixels of a phase, columns (r,s,k) of its taps, turned by 180 degrees.
Im2col im2col_of_gradient(const ConvProblem& problem, const ConstTensorView& grad_y,
                          const StridePhase& phase);

}  // namespace accrete::kernels::cpu
