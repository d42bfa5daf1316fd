// SPDX-License-Identifier: Apache-2.0
// The tensors of one convolution, placed as in a network: y lies in the middle of its block's
// buffer, everything else is packed.
#pragma once

#include "accrete/kernels/tensor_view.h"
#include "buffer.h"
#include "conv_shapes.h"

namespace accrete::bench {

class ConvTensors {
 public:
  explicit ConvTensors(const ConvShape& shape)
      : problem_(shape.problem),
        x_(count(problem_.x_shape(), problem_.C)),
        weight_(count(problem_.weight_shape(), problem_.C)),
        y_(count(problem_.y_shape(), y_pitch(shape))) {
    x = TensorView(x_.data(), problem_.x_shape());
    weight = TensorView(weight_.data(), problem_.weight_shape());
    y = TensorView(y_.data() + (y_pitch(shape) - problem_.K), problem_.y_shape(), y_pitch(shape));
  }

  TensorView x, weight, y;

 private:
  static std::int64_t y_pitch(const ConvShape& shape) {
    return shape.buffer_channels > 0 ? shape.buffer_channels : shape.problem.K;
  }
  static std::size_t count(const Shape& shape, std::int64_t pitch) {
    return static_cast<std::size_t>(shape.pixels() * pitch);
  }

  ConvProblem problem_;
  Buffer x_, weight_, y_;
};

}  // namespace accrete::bench
