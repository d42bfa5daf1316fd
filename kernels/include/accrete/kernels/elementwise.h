// SPDX-License-Identifier: Apache-2.0
// Copy, add and fill: the operations that only move or combine whole tensors.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels {

/// dst (= or +=) src, same shape, any pitches, f32. They may not overlap.
void copy(const Stream& stream, ConstTensorView src, TensorView dst, GradMode mode);

/// y = a + b, same shapes. y may be a or b itself.
void add(const Stream& stream, ConstTensorView a, ConstTensorView b, TensorView y);

/// Every element of dst = value (f32).
void fill(const Stream& stream, TensorView dst, float value);

}  // namespace accrete::kernels
