// SPDX-License-Identifier: Apache-2.0
// The tensors of one convolution, placed as in a network: y lies behind the other channels of its
// block's buffer, everything else is packed.
#pragma once

#include <cstdint>

#include "accrete/kernels/conv.h"
#include "network_shapes.h"
#include "workbench.h"

namespace accrete::bench {

enum class Pass : std::uint8_t { forward, dgrad, wgrad };
inline constexpr Pass kPasses[] = {Pass::forward, Pass::dgrad, Pass::wgrad};

constexpr const char* name_of(Pass pass) {
  switch (pass) {
    case Pass::forward:
      return "forward";
    case Pass::dgrad:
      return "dgrad";
    case Pass::wgrad:
      break;
  }
  return "wgrad";
}

inline double flops_of(const ConvProblem& problem) {
  return 2.0 * static_cast<double>(problem.macs());
}

/// x and y stand for their gradients where a pass is about those; with wgrad, `weight` is the
/// gradient of the weights, f32.
struct ConvTensors {
  ConvTensors(Workbench& bench, const ConvShape& shape, Pass pass)
      : problem(shape.problem),
        x(bench.tensor(problem.x_shape())),
        weight(pass == Pass::wgrad ? bench.f32_tensor(problem.weight_shape())
                                   : bench.tensor(problem.weight_shape())) {
    const Shape y_shape = problem.y_shape();
    const std::int64_t beside = shape.buffer_channels > 0 ? shape.buffer_channels - problem.K : 0;
    const Shape buffer{y_shape.n, y_shape.h, y_shape.w, beside + problem.K};
    y = bench.tensor(buffer).channels(beside, problem.K);
  }

  /// x, weight and y once: every pass reads two of them and writes the third.
  double bytes() const { return bytes_of({x, weight, y}); }

  kernels::ConvForward forward() const {
    return {.problem = problem, .x = x, .weight = weight, .y = y};
  }
  kernels::ConvDgrad dgrad() const {
    return {.problem = problem, .grad_y = {.g = y}, .weight = weight, .grad_x = {.g = x}};
  }
  kernels::ConvWgrad wgrad() const {
    return {.problem = problem, .x = x, .grad_y = {.g = y}, .grad_weight = weight};
  }

  ConvProblem problem;
  TensorView x, weight, y;
};

}  // namespace accrete::bench
