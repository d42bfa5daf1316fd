// SPDX-License-Identifier: Apache-2.0
// Operations on tensors element by element: same shapes, any pitches.
#pragma once

#include "accrete/kernels/call.h"
#include "accrete/kernels/random.h"

namespace accrete::kernels {

/// dst (= or +=) src. With mode overwrite the dtypes may differ: f32 is rounded to bf16 to nearest,
/// ties to even.
struct Copy {
  static constexpr const char* kName = "copy";
  ConstTensorView src;
  TensorView dst;
  GradMode mode = GradMode::overwrite;
};

/// Every element of dst = value.
struct Fill {
  static constexpr const char* kName = "fill";
  TensorView dst;
  float value = 0.0F;
};

/// y = a + b. y may be a or b itself.
struct Add {
  static constexpr const char* kName = "add";
  ConstTensorView a, b;
  TensorView y;
};

/// y = max(0, x); NaN stays NaN. y may be x itself.
struct ReluForward {
  static constexpr const char* kName = "relu_forward";
  ConstTensorView x;
  TensorView y;
};
/// grad_x (= or +=) grad_y where the forward output y > 0, else 0. With mode overwrite grad_x may
/// be grad_y itself.
struct ReluBackward {
  static constexpr const char* kName = "relu_backward";
  ConstTensorView grad_y, y;
  TensorView grad_x;
  GradMode mode = GradMode::overwrite;
};

/// Inverted dropout with a counter-based mask that is never stored: y (= or +=) x / (1 - rate)
/// where the uniform number of the element is >= rate, else 0. Its gradient is the same call on the
/// gradient. Element index = pixel * C + channel, whatever the pitch. 0 <= rate < 1. With mode
/// overwrite y may be x itself.
struct Dropout {
  static constexpr const char* kName = "dropout";
  float rate = 0.0F;
  RandomKey key = {};
  ConstTensorView x;
  TensorView y;
  GradMode mode = GradMode::overwrite;
};

}  // namespace accrete::kernels
