// SPDX-License-Identifier: Apache-2.0
// The convolutions that every backend and arithmetic is tested with.
#pragma once

#include <string>
#include <vector>

#include "accrete/kernels/problem.h"

namespace accrete::test {

// N, H, W, C, K, R, S, stride_h, stride_w, pad_h, pad_w
inline std::vector<ConvProblem> conv_problems() {
  return {
      // 1x1, every remainder of panel and vector, plain and strided, padding beyond the filter
      {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0},
      {2, 5, 7, 3, 10, 1, 1, 1, 1, 0, 0},
      {1, 7, 5, 33, 48, 1, 1, 1, 1, 0, 0},
      {3, 6, 6, 64, 33, 1, 1, 1, 1, 0, 0},
      {1, 9, 8, 100, 12, 1, 1, 2, 2, 0, 0},
      {1, 4, 5, 16, 24, 1, 1, 2, 3, 1, 2},
      {1, 3, 3, 300, 100, 1, 1, 1, 1, 0, 0},
      // 3x3
      {1, 1, 1, 12, 10, 3, 3, 1, 1, 1, 1},
      {2, 6, 5, 1, 3, 3, 3, 1, 1, 1, 1},
      {2, 7, 9, 16, 32, 3, 3, 1, 1, 1, 1},
      {1, 5, 6, 48, 12, 3, 3, 1, 1, 1, 1},
      {1, 8, 7, 33, 24, 3, 3, 1, 1, 0, 0},
      {1, 4, 3, 100, 32, 3, 3, 1, 1, 1, 1},
      {3, 3, 3, 24, 48, 3, 3, 1, 1, 2, 2},
      {1, 4, 4, 10, 16, 3, 3, 1, 1, 3, 3},
      {2, 9, 11, 12, 33, 3, 3, 2, 2, 1, 1},
      {1, 11, 8, 32, 10, 3, 3, 3, 3, 1, 0},
      {1, 10, 9, 3, 64, 3, 3, 2, 1, 0, 1},
      // large and lopsided filters
      {1, 19, 17, 1, 64, 7, 7, 2, 2, 3, 3},
      {2, 13, 15, 3, 32, 7, 7, 2, 2, 3, 3},
      {1, 7, 7, 16, 3, 7, 7, 1, 1, 3, 3},
      {1, 9, 7, 10, 12, 5, 3, 1, 1, 2, 1},
      {2, 8, 11, 24, 16, 5, 3, 2, 3, 0, 2},
      {1, 3, 12, 12, 24, 1, 5, 1, 1, 0, 2},
      {1, 12, 3, 3, 48, 4, 2, 3, 2, 2, 0},
      {1, 2, 2, 10, 10, 3, 3, 5, 5, 2, 2},
      // images of few channels: one tile and several, tables of taps that fit and that do not
      {2, 11, 13, 1, 24, 5, 5, 2, 2, 2, 2},
      {1, 12, 14, 1, 72, 9, 9, 3, 3, 4, 4},
      {1, 9, 8, 1, 8, 17, 17, 1, 1, 8, 8},
      {1, 9, 10, 2, 16, 7, 7, 2, 2, 3, 3},
      {2, 8, 9, 3, 40, 5, 5, 1, 1, 2, 2},
      {1, 18, 20, 3, 136, 7, 7, 2, 2, 3, 3},
      {1, 16, 15, 3, 48, 9, 9, 2, 2, 4, 4},
      {1, 12, 11, 4, 32, 7, 7, 2, 2, 3, 3},
      {1, 10, 9, 5, 16, 5, 5, 2, 2, 2, 2},
      {2, 7, 8, 6, 24, 3, 3, 2, 2, 1, 1},
  };
}

inline std::vector<ConvProblem> linear_problems() {
  const auto linear = &ConvProblem::linear;
  return {linear(1, 1, 1),     linear(1, 300, 10),   linear(3, 17, 33),
          linear(64, 100, 10), linear(16, 33, 1000), linear(130, 64, 100)};
}

inline std::string describe(const ConvProblem& p) {
  return "x " + to_string(p.x_shape()) + ", weight " + to_string(p.weight_shape()) + ", y " +
         to_string(p.y_shape());
}

}  // namespace accrete::test
