// SPDX-License-Identifier: Apache-2.0
// Checks of the parts that fused calls are made of (norm_relu.h).
#pragma once

#include "accrete/kernels/norm_relu.h"
#include "dispatch/check.h"

namespace accrete::kernels {

/// Vectors for x's channels. An empty norm must be empty as a whole.
void require_norm(const char* op, const Stream& stream, const NormRelu& norm, const Shape& x);
/// The same, and it may not be empty.
void require_norm_present(const char* op, const Stream& stream, const NormRelu& norm,
                          const Shape& x);

/// Vectors for y's channels and a positive epsilon, or nothing.
void require_statistics(const char* op, const Stream& stream, const StatisticsOutput& statistics,
                        const Shape& y);

/// g of this shape, and y with its vectors or no y.
void require_deferred(const char* op, const Stream& stream, const DeferredGradient& gradient,
                      const Shape& y, DType dtype);

/// g of x's shape and vectors for its channels, a and b both or neither.
void require_norm_gradient(const char* op, const Stream& stream, const NormReluGradient& out,
                           const Shape& x, DType dtype);

void require_epsilon(const char* op, float epsilon);

}  // namespace accrete::kernels
