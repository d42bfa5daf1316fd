// SPDX-License-Identifier: Apache-2.0
// Inverted dropout with a counter-based mask that is never stored: backward regenerates it.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/random.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels {

/// y = x / (1 - rate) where the uniform number of the element is >= rate, else 0. Element index =
/// pixel * C + channel, whatever the pitch. 0 <= rate < 1. y may be x itself.
void dropout_forward(const Stream& stream, float rate, const RandomKey& key, ConstTensorView x,
                     TensorView y);
/// grad_x (= or +=) grad_y / (1 - rate) under the same mask. grad_x may be grad_y (overwrite).
void dropout_backward(const Stream& stream, float rate, const RandomKey& key,
                      ConstTensorView grad_y, TensorView grad_x, GradMode mode);

}  // namespace accrete::kernels
