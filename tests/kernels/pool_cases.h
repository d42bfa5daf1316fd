// SPDX-License-Identifier: Apache-2.0
// The pooling problems of the tests.
#pragma once

#include <string>
#include <vector>

#include "accrete/kernels/problem.h"
#include "kernels/every_run.h"

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

inline std::string describe(const PoolProblem& problem) {
  return "x " + to_string(problem.x_shape()) + ", y " + to_string(problem.y_shape()) + ", window " +
         std::to_string(problem.R) + "x" + std::to_string(problem.S);
}

}  // namespace accrete::test
