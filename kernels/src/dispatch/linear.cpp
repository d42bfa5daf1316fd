// SPDX-License-Identifier: Apache-2.0
// Public entry points of linear layers: 1x1 convolutions of 1x1 images.
#include "accrete/kernels/linear.h"

#include <algorithm>

#include "accrete/kernels/conv.h"
#include "cpu/conv.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

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
ConvProblem check_call(const char* op, const Stream& stream, const ConstTensorView& rows,
                       const ConstTensorView& weight, const char* weight_name, DType weight_dtype) {
  require_float_dtype(op, rows.dtype);
  const ConvProblem problem = linear_problem(rows.shape.n, weight.shape.c, weight.shape.n);
  check_conv_problem(problem);
  require_packed(op, stream, weight_name, weight, problem.weight_shape(), weight_dtype);
  return problem;
}

}  // namespace

std::size_t linear_workspace_bytes(std::int64_t N, std::int64_t C, std::int64_t K, Device device,
                                   DType dtype) {
  const ConvProblem problem = linear_problem(N, C, K);
  return std::max({conv_forward_workspace_bytes(problem, device, dtype),
                   conv_dgrad_workspace_bytes(problem, device, dtype),
                   conv_wgrad_workspace_bytes(problem, device, dtype)});
}

void linear_forward(const Stream& stream, ConstTensorView x, ConstTensorView weight,
                    ConstTensorView bias, TensorView y, Workspace workspace) {
  constexpr const char* kOp = "linear_forward";
  const ConvProblem problem = check_call(kOp, stream, x, weight, "weight", x.dtype);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), x.dtype);
  if (bias) {
    require_packed(kOp, stream, "bias", bias, channel_vector(problem.K));
  }
  require_tensor(kOp, stream, "y", y, problem.y_shape(), x.dtype);
  Overlaps(kOp)
      .writes("y", y)
      .reads("x", x)
      .reads("weight", weight)
      .reads("bias", bias)
      .require_none();
  require_workspace(kOp, stream, workspace,
                    conv_forward_workspace_bytes(problem, stream.device(), x.dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->linear_forward(stream, x, weight, bias, y, workspace);
    return;
  }
  cpu::conv_forward(stream.pool(), cpu::plain_forward(problem, x, weight, bias, y), workspace);
}

void linear_dgrad(const Stream& stream, ConstTensorView grad_y, ConstTensorView weight,
                  TensorView grad_x, GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "linear_dgrad";
  const ConvProblem problem = check_call(kOp, stream, grad_y, weight, "weight", grad_y.dtype);
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape(), grad_y.dtype);
  require_tensor(kOp, stream, "grad_x", grad_x, problem.x_shape(), grad_y.dtype);
  require_mode(kOp, mode);
  Overlaps(kOp)
      .writes("grad_x", grad_x)
      .reads("grad_y", grad_y)
      .reads("weight", weight)
      .require_none();
  require_workspace(kOp, stream, workspace,
                    conv_dgrad_workspace_bytes(problem, stream.device(), grad_y.dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->linear_dgrad(stream, grad_y, weight, grad_x, mode, workspace);
    return;
  }
  cpu::conv_dgrad(stream.pool(), cpu::plain_dgrad(problem, grad_y, weight, grad_x, mode),
                  workspace);
}

void linear_wgrad(const Stream& stream, ConstTensorView x, ConstTensorView grad_y,
                  TensorView grad_weight, GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "linear_wgrad";
  const ConvProblem problem = check_call(kOp, stream, x, grad_weight, "grad_weight", DType::f32);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), x.dtype);
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape(), x.dtype);
  require_mode(kOp, mode);
  Overlaps(kOp)
      .writes("grad_weight", grad_weight)
      .reads("x", x)
      .reads("grad_y", grad_y)
      .require_none();
  require_workspace(kOp, stream, workspace,
                    conv_wgrad_workspace_bytes(problem, stream.device(), x.dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->linear_wgrad(stream, x, grad_y, grad_weight, mode, workspace);
    return;
  }
  cpu::conv_wgrad(stream.pool(), cpu::plain_wgrad(problem, x, grad_y, grad_weight, mode),
                  workspace);
}

}  // namespace accrete::kernels
