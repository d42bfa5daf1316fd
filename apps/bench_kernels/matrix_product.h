// SPDX-License-Identifier: Apache-2.0
// The row-major matrix product that a pass of a 1x1 convolution or of a linear layer is, with M
// pixels:
//   forward  y [M,K] = x [M,C] * weight [K,C]^T
//   dgrad    x [M,C] = y [M,K] * weight [K,C]
//   wgrad    weight [K,C] = y [M,K]^T * x [M,C]
#pragma once

#include "conv_tensors.h"

namespace accrete::bench {

struct MatrixProduct {
  struct Factor {
    ConstTensorView view;
    bool transposed = false;
  };
  Factor left, right;
  TensorView result;
  std::int64_t rows = 0, columns = 0, inner = 0;
};

inline bool is_matrix_product(const ConvProblem& p) {
  return p.R == 1 && p.S == 1 && p.stride_h == 1 && p.stride_w == 1 && p.pad_h == 0 && p.pad_w == 0;
}

inline MatrixProduct matrix_product(Pass pass, const ConvTensors& t) {
  const std::int64_t M = t.x.shape.pixels();
  const std::int64_t C = t.problem.C;
  const std::int64_t K = t.problem.K;
  switch (pass) {
    case Pass::forward:
      return {{t.x}, {t.weight, true}, t.y, M, K, C};
    case Pass::dgrad:
      return {{t.y}, {t.weight}, t.x, M, C, K};
    case Pass::wgrad:
      break;
  }
  return {{t.y, true}, {t.x}, t.weight, K, C, M};
}

}  // namespace accrete::bench
