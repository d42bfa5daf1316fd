// SPDX-License-Identifier: Apache-2.0
// The pooling problems of the tests, and what a pool reads.
#pragma once

#include <string>
#include <vector>

#include "accrete/kernels/pool.h"
#include "kernels/norm_relu_case.h"

namespace accrete::test {

/// Windows of the networks and awkward ones: no padding, padding on every side, gaps between
/// windows, pixels that no window covers, rectangles, one window for the image.
inline std::vector<PoolProblem> pool_windows() {
  std::vector<PoolProblem> windows(8);
  windows[0] = {
      .H = 11, .W = 12, .R = 3, .S = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1};
  windows[1] = {.H = 8, .W = 10, .R = 2, .S = 2, .stride_h = 2, .stride_w = 2};
  windows[2] = {.H = 7, .W = 5, .R = 2, .S = 2, .stride_h = 2, .stride_w = 2};
  windows[3] = {.H = 6, .W = 7, .R = 3, .S = 3, .pad_h = 2, .pad_w = 1};
  windows[4] = {.H = 9, .W = 8, .R = 2, .S = 1, .stride_h = 3, .stride_w = 2};
  windows[5] = {
      .H = 5, .W = 9, .R = 4, .S = 3, .stride_h = 1, .stride_w = 4, .pad_h = 3, .pad_w = 2};
  windows[6] = {.H = 6, .W = 6, .R = 6, .S = 6};
  windows[7] = {.H = 1, .W = 1, .R = 1, .S = 1};
  return windows;
}

inline std::vector<PoolProblem> pool_problems() {
  std::vector<PoolProblem> problems;
  for (PoolProblem problem : pool_windows()) {
    problem.N = 2;
    for (const std::int64_t c : {1, 3, 10, 12, 16, 17, 32, 33, 48, 64, 100, 130}) {
      problem.C = c;
      problems.push_back(problem);
    }
  }
  // Several tasks.
  problems.push_back({.N = 3,
                      .H = 31,
                      .W = 29,
                      .C = 64,
                      .R = 3,
                      .S = 3,
                      .stride_h = 2,
                      .stride_w = 2,
                      .pad_h = 1,
                      .pad_w = 1});
  problems.push_back(
      {.N = 3, .H = 32, .W = 30, .C = 33, .R = 2, .S = 2, .stride_h = 2, .stride_w = 2});
  return problems;
}

/// Of pools that read through a norm.
inline std::vector<PoolProblem> norm_pool_problems() {
  std::vector<PoolProblem> problems;
  std::int64_t c = 0;
  for (PoolProblem problem : pool_windows()) {
    for (const std::int64_t channels : {1, 3, 16, 33, 100}) {
      problem.N = 1 + c++ % 2;
      problem.C = channels;
      problems.push_back(problem);
    }
  }
  PoolProblem wide = pool_windows()[0];
  wide.C = 530;
  problems.push_back(wide);
  PoolProblem large = pool_windows()[1];
  large.N = 3;
  large.H = 32;
  large.W = 30;
  large.C = 33;
  problems.push_back(large);
  PoolProblem stem = pool_windows()[0];  // made even
  stem.N = 2;
  stem.H = 12;
  for (const std::int64_t channels : {16, 33, 100}) {
    stem.C = channels;
    problems.push_back(stem);
  }
  stem.H = 34;
  stem.W = 36;
  problems.push_back(stem);
  PoolProblem padded = {.kind = PoolKind::max, .N = 1, .H = 8, .W = 8, .C = 33, .R = 3, .S = 3};
  padded.pad_h = padded.pad_w = 2;  // y has more pixels than x
  problems.push_back(padded);
  return problems;
}
inline std::vector<PoolProblem> pool_problems(bool with_norm) {
  return with_norm ? norm_pool_problems() : pool_problems();
}

/// What a pool reads: x as it is or what a norm makes of it.
struct PoolInput {
  PoolInput(const Shape& shape_in, std::vector<float> x_in, bool with_norm_in)
      : shape(shape_in),
        x(std::move(x_in)),
        with_norm(with_norm_in),
        norm(shape.c),
        before(shape),
        kinds(gradient_kinds(with_norm)) {}
  /// Whole numbers, halves with a norm.
  PoolInput(const Shape& shape_in, bool with_norm_in)
      : PoolInput(shape_in,
                  with_norm_in ? steps(shape_in.elements(), 1, 6, 0.5F)
                               : integers(shape_in.elements(), 1, 3),
                  with_norm_in) {}

  std::vector<double> read() const {
    return with_norm ? reference::norm_relu(norm.reference(), widened(x)) : widened(x);
  }
  /// For all kinds, from the gradient of what is read.
  std::vector<Expected> expected(const std::vector<double>& gradient, Tolerance of_g,
                                 Tolerance of_sums) const {
    std::vector<Expected> expected;
    for (const GradientKind& kind : kinds) {
      append(expected, expected_gradient(x, norm, gradient, kind, before, of_g, of_sums));
    }
    return expected;
  }

  Shape shape;
  std::vector<float> x;
  bool with_norm;
  NormData norm;
  GradientBefore before;
  std::vector<GradientKind> kinds;
};

/// Its tensors.
struct PoolTensors {
  PoolTensors(const PoolInput& input, Layout layout)
      : x(filled(input.shape, layout, input.x)),
        norm_tensors(input.norm),
        norm(norm_tensors.view_if(input.with_norm)) {}
  /// Backward calls read x with a norm only.
  ConstTensorView x_if_read() const { return norm ? x.view() : ConstTensorView(); }

  const GuardedTensor x;
  NormTensors norm_tensors;
  kernels::NormRelu norm;
};

inline std::string describe(const PoolProblem& problem) {
  return "x " + to_string(problem.x_shape()) + ", y " + to_string(problem.y_shape()) + ", window " +
         std::to_string(problem.R) + "x" + std::to_string(problem.S);
}

}  // namespace accrete::test
