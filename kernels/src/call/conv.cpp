// SPDX-License-Identifier: Apache-2.0
// The calls of conv.h.
#include "accrete/kernels/conv.h"

#include <limits>

#include "accrete/kernels/checked_size.h"
#include "call/run-inl.h"

namespace accrete::kernels {
namespace {

// Gradients of the data walk through stride_h * stride_w phases.
constexpr std::int64_t kMostStride = 1024;

void require_extent(const char* name, std::int64_t value, std::int64_t lowest,
                    std::int64_t highest = std::numeric_limits<std::int32_t>::max()) {
  if (value < lowest || value > highest) {
    fail("conv_problem", std::string(name) + " is " + std::to_string(value) + ", allowed are " +
                             std::to_string(lowest) + " to " + std::to_string(highest));
  }
}

void require_fit(const char* filter_name, std::int64_t filter, const char* image_name,
                 std::int64_t image, std::int64_t pad, const ConvProblem& problem) {
  if (filter > image + 2 * pad) {
    fail("conv_problem", std::string(filter_name) + "=" + std::to_string(filter) +
                             " exceeds the padded " + image_name + "=" + std::to_string(image) +
                             "+2*" + std::to_string(pad) + " (x " + to_string(problem.x_shape()) +
                             ", weight " + to_string(problem.weight_shape()) +
                             "); the output needs at least one pixel");
  }
}

// Whatever is computed from a problem, the work of a pass or the bytes of padded and packed copies,
// is at most a few times one of these.
void require_countable(const ConvProblem& problem) {
  check_shape(problem.x_shape(), "[conv_problem] x");
  check_shape(problem.weight_shape(), "[conv_problem] weight");
  check_shape(problem.y_shape(), "[conv_problem] y");
  check_shape({1, problem.H + 2 * problem.pad_h, problem.W + 2 * problem.pad_w, problem.C},
              "[conv_problem] padded image");
  constexpr std::int64_t kMostMacs = std::int64_t{1} << 62;
  const CheckedSize macs =
      checked_product({problem.y_shape().elements(), problem.R, problem.S, problem.C});
  if (!macs.at_most(kMostMacs)) {
    fail("conv_problem", "y " + to_string(problem.y_shape()) + " from weight " +
                             to_string(problem.weight_shape()) +
                             " takes more than 2^62 multiply-accumulates");
  }
}

}  // namespace

void check_conv_problem(const ConvProblem& problem) {
  require_extent("N", problem.N, 1);
  require_extent("H", problem.H, 1);
  require_extent("W", problem.W, 1);
  require_extent("C", problem.C, 1);
  require_extent("K", problem.K, 1);
  require_extent("R", problem.R, 1);
  require_extent("S", problem.S, 1);
  require_extent("stride_h", problem.stride_h, 1, kMostStride);
  require_extent("stride_w", problem.stride_w, 1, kMostStride);
  require_extent("pad_h", problem.pad_h, 0);
  require_extent("pad_w", problem.pad_w, 0);
  require_fit("R", problem.R, "H", problem.H, problem.pad_h, problem);
  require_fit("S", problem.S, "W", problem.W, problem.pad_w, problem);
  require_countable(problem);
}

Operands operands_of(const ConvForward& call) {
  const ConvProblem& p = call.problem;
  check_conv_problem(p);
  Operands operands(call.kName, call.x.dtype);
  operands.reads("x", call.x, p.x_shape()).norm_if_any(call.norm, p.C);
  operands.reads_packed("weight", call.weight, p.weight_shape());
  if (call.bias) {
    operands.reads_vector("bias", call.bias, p.K);
  }
  return operands.writes("y", call.y, p.y_shape()).statistics(call.statistics, p.K);
}

std::int64_t macs(const ConvForward& call) {
  return call.problem.macs();
}

Operands operands_of(const ConvDgrad& call) {
  const ConvProblem& p = call.problem;
  check_conv_problem(p);
  return Operands(call.kName, call.grad_y.g.dtype)
      .deferred(call.grad_y, p.y_shape())
      .reads_packed("weight", call.weight, p.weight_shape())
      .gradient_of(call.x, call.norm, call.grad_x, p.x_shape());
}

std::int64_t macs(const ConvDgrad& call) {
  return call.problem.macs();
}

Operands operands_of(const ConvWgrad& call) {
  const ConvProblem& p = call.problem;
  check_conv_problem(p);
  return Operands(call.kName, call.x.dtype)
      .reads("x", call.x, p.x_shape())
      .norm_if_any(call.norm, p.C)
      .deferred(call.grad_y, p.y_shape())
      .writes_parameter("grad_weight", call.grad_weight, p.weight_shape(), call.mode);
}

std::int64_t macs(const ConvWgrad& call) {
  return call.problem.macs();
}

Operands operands_of(const ConvBackward& call) {
  const ConvProblem& p = call.problem;
  check_conv_problem(p);
  return Operands(call.kName, call.grad_y.g.dtype)
      .deferred(call.grad_y, p.y_shape())
      .reads_packed("weight", call.weight, p.weight_shape())
      .gradient_of(call.x, call.norm, call.grad_x, p.x_shape(), Operands::GivenX::always)
      .writes_parameter("grad_weight", call.grad_weight, p.weight_shape(), call.weight_mode);
}

std::int64_t macs(const ConvBackward& call) {
  return 2 * call.problem.macs();
}

Operands operands_of(const BiasGrad& call) {
  const Shape& y = call.grad_y.shape;
  return Operands(call.kName, call.grad_y.dtype)
      .reads("grad_y", call.grad_y, y)
      .writes_parameter("grad_bias", call.grad_bias, channel_vector(y.c), call.mode);
}

ACCRETE_INSTANTIATE_CALL(ConvForward)
ACCRETE_INSTANTIATE_CALL(ConvDgrad)
ACCRETE_INSTANTIATE_CALL(ConvWgrad)
ACCRETE_INSTANTIATE_CALL(ConvBackward)
ACCRETE_INSTANTIATE_CALL(BiasGrad)

}  // namespace accrete::kernels
