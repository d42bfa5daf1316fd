// SPDX-License-Identifier: Apache-2.0
// The pooling problem of an op's attributes and input shape.
#pragma once

#include "accrete/engine/ops.h"
#include "accrete/kernels/problem.h"

namespace accrete {

inline PoolProblem pool_problem(PoolKind kind, const ops::PoolAttributes& attributes,
                                const Shape& x) {
  PoolProblem problem;
  problem.kind = kind;
  problem.N = x.n;
  problem.H = x.h;
  problem.W = x.w;
  problem.C = x.c;
  problem.R = problem.S = attributes.window;
  problem.stride_h = problem.stride_w = attributes.stride;
  problem.pad_h = problem.pad_w = attributes.pad;
  problem.count_padding = attributes.count_padding;
  return problem;
}

}  // namespace accrete
