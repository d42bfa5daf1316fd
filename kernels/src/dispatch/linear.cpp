// SPDX-License-Identifier: Apache-2.0
// Public entry points of linear layers: 1x1 convolutions of 1x1 images.
#include "accrete/kernels/linear.h"

#include <algorithm>

#include "accrete/kernels/conv.h"
#include "cpu/conv.h"
#include "dispatch/check.h"

namespace accrete::kernels {
namespace {

ConvProblem linear_problem(std::int64_t N, std::int64_t C, std::int64_t K) {
  ConvProblem problem;
  problem.N = N;
  problem.C = C;
  problem.K = K;
  return problem;
}

// The problem whose sizes the rows and the weights of a call give; the views are checked against
// it afterwards.
ConvProblem check_call(const char* op, const Stream& stream, std::int64_t N,
                       const ConstTensorView& weight, const char* weight_name = "weight") {
  require_device(op, stream.device());
  const ConvProblem problem = linear_problem(N, weight.shape.c, weight.shape.n);
  check_conv_problem(problem);
  require_packed(op, stream, weight_name, weight, problem.weight_shape());
  return problem;
}

}  // namespace

std::size_t linear_workspace_bytes(std::int64_t N, std::int64_t C, std::int64_t K, Device device) {
  require_device("linear", device);
  const ConvProblem problem = linear_problem(N, C, K);
  check_conv_problem(problem);
  return std::max({cpu::conv_forward_workspace_bytes(problem),
                   cpu::conv_dgrad_workspace_bytes(problem),
                   cpu::conv_wgrad_workspace_bytes(problem)});
}

void linear_forward(const Stream& stream, ConstTensorView x, ConstTensorView weight,
                    ConstTensorView bias, TensorView y, Workspace workspace) {
  constexpr const char* kOp = "linear_forward";
  const ConvProblem problem = check_call(kOp, stream, x.shape.n, weight);
  require_tensor(kOp, stream, "x", x, problem.x_shape());
  if (bias) {
    require_packed(kOp, stream, "bias", bias, channel_vector(problem.K));
  }
  require_tensor(kOp, stream, "y", y, problem.y_shape());
  require_workspace(kOp, workspace, cpu::conv_forward_workspace_bytes(problem));
  cpu::conv_forward(stream.pool(), problem, x, weight, bias, y, workspace);
}

void linear_dgrad(const Stream& stream, ConstTensorView grad_y, ConstTensorView weight,
                  TensorView grad_x, GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "linear_dgrad";
  const ConvProblem problem = check_call(kOp, stream, grad_y.shape.n, weight);
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape());
  require_tensor(kOp, stream, "grad_x", grad_x, problem.x_shape());
  require_workspace(kOp, workspace, cpu::conv_dgrad_workspace_bytes(problem));
  cpu::conv_dgrad(stream.pool(), problem, grad_y, weight, grad_x, mode, workspace);
}

void linear_wgrad(const Stream& stream, ConstTensorView x, ConstTensorView grad_y,
                  TensorView grad_weight, GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "linear_wgrad";
  const ConvProblem problem = check_call(kOp, stream, x.shape.n, grad_weight, "grad_weight");
  require_tensor(kOp, stream, "x", x, problem.x_shape());
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape());
  require_workspace(kOp, workspace, cpu::conv_wgrad_workspace_bytes(problem));
  cpu::conv_wgrad(stream.pool(), problem, x, grad_y, grad_weight, mode, workspace);
}

}  // namespace accrete::kernels
