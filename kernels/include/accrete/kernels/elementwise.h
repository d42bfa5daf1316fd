// SPDX-License-Identifier: Apache-2.0
// Copy, add and fill: the operations that only move or combine whole tensors.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels {

/// dst (= or +=) src, same shape and dtype, any pitches. They may not overlap.
void copy(const Stream& stream, ConstTensorView src, TensorView dst, GradMode mode);

/// y = a + b, same shapes. y may be a or b itself.
void add(const Stream& stream, ConstTensorView a, ConstTensorView b, TensorView y);

/// Every element of dst = value.
void fill(const Stream& stream, TensorView dst, float value);

/// dst = src rounded to the dtype of dst (to nearest, ties to even), same shape, any pitches. They
/// may not overlap.
void cast(const Stream& stream, ConstTensorView src, TensorView dst);

}  // namespace accrete::kernels
