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

/// What is there of the parts, for require_no_overlaps.
inline void add_operands(Overlaps& overlaps, const NormRelu& norm) {
  overlaps.reads("norm.mean", norm.mean)
      .reads("norm.inv_std", norm.inv_std)
      .reads("norm.gamma", norm.gamma)
      .reads("norm.beta", norm.beta);
}
inline void add_operands(Overlaps& overlaps, const DeferredGradient& gradient) {
  overlaps.reads("grad_y.g", gradient.g);
  if (gradient.y) {
    overlaps.reads("grad_y.y", gradient.y)
        .reads("grad_y.mean", gradient.mean)
        .reads("grad_y.inv_std", gradient.inv_std)
        .reads("grad_y.a", gradient.a)
        .reads("grad_y.b", gradient.b);
  }
}
inline void add_operands(Overlaps& overlaps, const StatisticsOutput& statistics) {
  overlaps.writes("statistics.mean", statistics.mean)
      .writes("statistics.variance", statistics.variance)
      .writes("statistics.inv_std", statistics.inv_std);
}
inline void add_operands(Overlaps& overlaps, const NormReluGradient& out) {
  overlaps.writes("out.g", out.g)
      .writes("out.a", out.a)
      .writes("out.b", out.b)
      .writes("out.grad_gamma", out.grad_gamma)
      .writes("out.grad_beta", out.grad_beta);
}

/// With the parts of a fused call.
template <class... Parts>
void require_no_overlaps(Overlaps overlaps, const Parts&... parts) {
  (add_operands(overlaps, parts), ...);
  overlaps.require_none();
}

}  // namespace accrete::kernels
