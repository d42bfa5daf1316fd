// SPDX-License-Identifier: Apache-2.0
// Entry points of pool.h.
#include "accrete/kernels/pool.h"

#include <algorithm>
#include <limits>
#include <string>

#include "cpu/pool.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {
namespace {

constexpr std::int64_t kMostStride = std::numeric_limits<std::int32_t>::max();

void require_at_least(const char* name, std::int64_t value, std::int64_t least,
                      const PoolProblem& problem) {
  if (value < least) {
    fail("pool_problem", std::string(name) + " is " + std::to_string(value) +
                             ", must be at least " + std::to_string(least) + " (x " +
                             to_string(problem.x_shape()) + ")");
  }
}

void require_pad(const char* name, std::int64_t pad, std::int64_t window) {
  if (pad < 0 || pad >= window) {
    fail("pool_problem", std::string(name) + " is " + std::to_string(pad) +
                             ", must be in [0, window) with a window of " + std::to_string(window));
  }
}

// [N,1,1,C] of [N,H,W,C].
Shape image_means(const Shape& x) {
  return {x.n, 1, 1, x.c};
}

}  // namespace

void check_pool_problem(const PoolProblem& problem) {
  check_shape(problem.x_shape(), "[pool_problem] x");
  require_at_least("R", problem.R, 1, problem);
  require_at_least("S", problem.S, 1, problem);
  require_at_least("stride_h", problem.stride_h, 1, problem);
  require_at_least("stride_w", problem.stride_w, 1, problem);
  if (std::max(problem.stride_h, problem.stride_w) > kMostStride) {
    fail("pool_problem", "strides " + std::to_string(problem.stride_h) + "x" +
                             std::to_string(problem.stride_w) + " exceed " +
                             std::to_string(kMostStride));
  }
  if (problem.kind != PoolKind::max && problem.kind != PoolKind::average) {
    fail("pool_problem",
         "kind is " + std::to_string(static_cast<int>(problem.kind)) + ", must be max or average");
  }
  if (problem.R > 255 || problem.S > 255 || problem.R * problem.S > 255) {
    fail("pool_problem", "window " + std::to_string(problem.R) + "x" + std::to_string(problem.S) +
                             " has too many taps, at most 255 are allowed");
  }
  require_pad("pad_h", problem.pad_h, problem.R);
  require_pad("pad_w", problem.pad_w, problem.S);
  // Extents rounded down from a negative number would come out as 1.
  require_at_least("H + 2 * pad_h - R", problem.H + 2 * problem.pad_h - problem.R, 0, problem);
  require_at_least("W + 2 * pad_w - S", problem.W + 2 * problem.pad_w - problem.S, 0, problem);
  check_shape(problem.y_shape(), "[pool_problem] y");
}

void max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                      TensorView y, TensorView winner) {
  const char* op = "max_pool_forward";
  check_pool_problem(problem);
  require_float_dtype(op, x.dtype);
  require_tensor(op, stream, "x", x, problem.x_shape(), x.dtype);
  require_tensor(op, stream, "y", y, problem.y_shape(), x.dtype);
  if (winner) {
    require_packed(op, stream, "winner", winner, problem.y_shape(), DType::u8);
  }
  Overlaps(op).writes("y", y).writes("winner", winner).reads("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->max_pool_forward(stream, problem, x, y, winner);
    return;
  }
  cpu::max_pool_forward(stream.pool(), problem, x, y, winner);
}

void max_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                       ConstTensorView winner, TensorView grad_x, GradMode mode) {
  const char* op = "max_pool_backward";
  check_pool_problem(problem);
  require_float_dtype(op, grad_y.dtype);
  require_tensor(op, stream, "grad_y", grad_y, problem.y_shape(), grad_y.dtype);
  require_packed(op, stream, "winner", winner, problem.y_shape(), DType::u8);
  require_tensor(op, stream, "grad_x", grad_x, problem.x_shape(), grad_y.dtype);
  require_mode(op, mode);
  Overlaps(op)
      .writes("grad_x", grad_x)
      .reads("grad_y", grad_y)
      .reads("winner", winner)
      .require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->max_pool_backward(stream, problem, grad_y, winner, grad_x, mode);
    return;
  }
  cpu::max_pool_backward(stream.pool(), problem, grad_y, winner, grad_x, mode);
}

void average_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                          TensorView y) {
  const char* op = "average_pool_forward";
  check_pool_problem(problem);
  require_float_dtype(op, x.dtype);
  require_tensor(op, stream, "x", x, problem.x_shape(), x.dtype);
  require_tensor(op, stream, "y", y, problem.y_shape(), x.dtype);
  Overlaps(op).writes("y", y).reads("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->average_pool_forward(stream, problem, x, y);
    return;
  }
  cpu::average_pool_forward(stream.pool(), problem, x, y);
}

void average_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                           TensorView grad_x, GradMode mode) {
  const char* op = "average_pool_backward";
  check_pool_problem(problem);
  require_float_dtype(op, grad_y.dtype);
  require_tensor(op, stream, "grad_y", grad_y, problem.y_shape(), grad_y.dtype);
  require_tensor(op, stream, "grad_x", grad_x, problem.x_shape(), grad_y.dtype);
  require_mode(op, mode);
  Overlaps(op).writes("grad_x", grad_x).reads("grad_y", grad_y).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->average_pool_backward(stream, problem, grad_y, grad_x, mode);
    return;
  }
  cpu::average_pool_backward(stream.pool(), problem, grad_y, grad_x, mode);
}

void global_average_pool_forward(const Stream& stream, ConstTensorView x, TensorView y) {
  const char* op = "global_average_pool_forward";
  require_activation(op, stream, "x", x);
  require_tensor(op, stream, "y", y, image_means(x.shape), x.dtype);
  Overlaps(op).writes("y", y).reads("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->global_average_pool_forward(stream, x, y);
    return;
  }
  cpu::global_average_pool_forward(stream.pool(), x, y);
}

void global_average_pool_backward(const Stream& stream, ConstTensorView grad_y, TensorView grad_x,
                                  GradMode mode) {
  const char* op = "global_average_pool_backward";
  require_activation(op, stream, "grad_x", grad_x);
  require_tensor(op, stream, "grad_y", grad_y, image_means(grad_x.shape), grad_x.dtype);
  require_mode(op, mode);
  Overlaps(op).writes("grad_x", grad_x).reads("grad_y", grad_y).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->global_average_pool_backward(stream, grad_y, grad_x, mode);
    return;
  }
  cpu::global_average_pool_backward(stream.pool(), grad_y, grad_x, mode);
}

}  // namespace accrete::kernels
