// SPDX-License-Identifier: Apache-2.0
#include "dispatch/norm_check.h"

#include <cmath>

namespace accrete::kernels {
namespace {

void require_vector(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& tensor) {
  require_packed(op, stream, name, view, channel_vector(tensor.c));
}

}  // namespace

void require_norm_present(const char* op, const Stream& stream, const NormRelu& norm,
                          const Shape& x) {
  require_vector(op, stream, "norm.mean", norm.mean, x);
  require_vector(op, stream, "norm.inv_std", norm.inv_std, x);
  require_vector(op, stream, "norm.gamma", norm.gamma, x);
  require_vector(op, stream, "norm.beta", norm.beta, x);
}

void require_norm(const char* op, const Stream& stream, const NormRelu& norm, const Shape& x) {
  if (norm || norm.inv_std || norm.gamma || norm.beta) {
    require_norm_present(op, stream, norm, x);
  }
}

void require_statistics(const char* op, const Stream& stream, const StatisticsOutput& statistics,
                        const Shape& y) {
  if (statistics || statistics.variance || statistics.inv_std) {
    require_vector(op, stream, "statistics.mean", statistics.mean, y);
    require_vector(op, stream, "statistics.variance", statistics.variance, y);
    require_vector(op, stream, "statistics.inv_std", statistics.inv_std, y);
    require_epsilon(op, statistics.epsilon);
  }
}

void require_deferred(const char* op, const Stream& stream, const DeferredGradient& gradient,
                      const Shape& y, DType dtype) {
  require_tensor(op, stream, "grad_y.g", gradient.g, y, dtype);
  if (gradient.y) {
    require_tensor(op, stream, "grad_y.y", gradient.y, y, dtype);
    require_vector(op, stream, "grad_y.mean", gradient.mean, y);
    require_vector(op, stream, "grad_y.inv_std", gradient.inv_std, y);
    require_vector(op, stream, "grad_y.a", gradient.a, y);
    require_vector(op, stream, "grad_y.b", gradient.b, y);
  }
}

void require_norm_gradient(const char* op, const Stream& stream, const NormReluGradient& out,
                           const Shape& x, DType dtype) {
  require_tensor(op, stream, "out.g", out.g, x, dtype);
  if (out.a || out.b) {
    require_vector(op, stream, "out.a", out.a, x);
    require_vector(op, stream, "out.b", out.b, x);
  }
  require_vector(op, stream, "out.grad_gamma", out.grad_gamma, x);
  require_vector(op, stream, "out.grad_beta", out.grad_beta, x);
  require_mode(op, out.mode);
}

// Written so that NaN fails too.
void require_epsilon(const char* op, float epsilon) {
  if (!(epsilon > 0.0F) || !std::isfinite(epsilon)) {
    fail(op, "epsilon is " + std::to_string(epsilon) + ", must be positive and finite");
  }
}

}  // namespace accrete::kernels
