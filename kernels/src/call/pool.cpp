// SPDX-License-Identifier: Apache-2.0
// The calls of pool.h.
#include "accrete/kernels/pool.h"

#include <algorithm>
#include <limits>
#include <string>

#include "call/run-inl.h"

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

Operands operands_of(const MaxPoolForward& call) {
  const PoolProblem& p = call.problem;
  check_pool_problem(p);
  Operands operands(call.kName, call.x.dtype);
  operands.reads("x", call.x, p.x_shape()).norm_if_any(call.norm, p.C);
  operands.writes("y", call.y, p.y_shape());
  if (call.winner) {
    operands.other("winner", call.winner, p.y_shape(), DType::u8, Operands::Use::written, true);
  }
  return operands.statistics(call.statistics, p.C);
}

// The workspace for the statistics is that of the norm's sums.
void require_options(const Stream& /*stream*/, const MaxPoolForward& call) {
  if (call.statistics && !call.norm) {
    fail(call.kName, "takes statistics only of pixels that are normalised");
  }
}

Operands operands_of(const MaxPoolBackward& call) {
  const PoolProblem& p = call.problem;
  check_pool_problem(p);
  return Operands(call.kName, call.grad_y.g.dtype)
      .deferred(call.grad_y, p.y_shape())
      .other("winner", call.winner, p.y_shape(), DType::u8, Operands::Use::read, true)
      .gradient_of(call.x, call.norm, call.grad_x, p.x_shape());
}

Operands operands_of(const AveragePoolForward& call) {
  const PoolProblem& p = call.problem;
  check_pool_problem(p);
  return Operands(call.kName, call.x.dtype)
      .reads("x", call.x, p.x_shape())
      .norm_if_any(call.norm, p.C)
      .writes("y", call.y, p.y_shape());
}

Operands operands_of(const AveragePoolBackward& call) {
  const PoolProblem& p = call.problem;
  check_pool_problem(p);
  return Operands(call.kName, call.grad_y.dtype)
      .reads("grad_y", call.grad_y, p.y_shape())
      .gradient_of(call.x, call.norm, call.grad_x, p.x_shape());
}

Operands operands_of(const GlobalAveragePoolForward& call) {
  return Operands(call.kName, call.x.dtype)
      .reads("x", call.x, call.x.shape)
      .norm_if_any(call.norm, call.x.shape.c)
      .writes("y", call.y, image_means(call.x.shape));
}

Operands operands_of(const GlobalAveragePoolBackward& call) {
  const Shape& x = call.grad_x.g.shape;
  return Operands(call.kName, call.grad_y.dtype)
      .reads("grad_y", call.grad_y, image_means(x))
      .gradient_of(call.x, call.norm, call.grad_x, x);
}

ACCRETE_INSTANTIATE_CALL(MaxPoolForward)
ACCRETE_INSTANTIATE_CALL(MaxPoolBackward)
ACCRETE_INSTANTIATE_CALL(AveragePoolForward)
ACCRETE_INSTANTIATE_CALL(AveragePoolBackward)
ACCRETE_INSTANTIATE_CALL(GlobalAveragePoolForward)
ACCRETE_INSTANTIATE_CALL(GlobalAveragePoolBackward)

}  // namespace accrete::kernels
