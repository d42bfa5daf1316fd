// SPDX-License-Identifier: Apache-2.0
// Entry points of fused_conv.h.
#include "accrete/kernels/fused_conv.h"

#include <algorithm>

#include "accrete/kernels/conv.h"
#include "cpu/conv.h"
#include "cuda/plan/norm_plan.h"
#include "dispatch/cuda_backend.h"
#include "dispatch/norm_check.h"

namespace accrete::kernels {
namespace {

// Without a norm a data gradient goes to out.g alone.
void require_plain_output(const char* op, const Stream& stream, const NormReluGradient& out,
                          const Shape& shape, DType dtype) {
  require_tensor(op, stream, "out.g", out.g, shape, dtype);
  require_mode(op, out.mode);
  if (out.a || out.b || out.grad_gamma || out.grad_beta) {
    fail(op, "out.a, out.b, out.grad_gamma and out.grad_beta must be empty without a norm");
  }
}

}  // namespace

std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem, Device device,
                                               DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("fused_conv_forward_workspace_bytes", dtype);
  if (device.kind == DeviceKind::cuda) {
    return cuda::fused_conv_forward_workspace_bytes(problem);
  }
  return cpu::fused_conv_forward_workspace_bytes(problem, dtype);
}

void fused_conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                        const NormRelu& norm, ConstTensorView weight, ConstTensorView bias,
                        TensorView y, const StatisticsOutput& statistics, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_forward";
  check_conv_problem(problem);
  const DType dtype = x.dtype;
  require_float_dtype(kOp, dtype);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), dtype);
  require_norm(kOp, stream, norm, problem.x_shape());
  require_packed(kOp, stream, "weight", weight, problem.weight_shape(), dtype);
  if (bias) {
    require_packed(kOp, stream, "bias", bias, channel_vector(problem.K));
  }
  require_tensor(kOp, stream, "y", y, problem.y_shape(), dtype);
  require_statistics(kOp, stream, statistics, problem.y_shape());
  require_no_overlaps(
      Overlaps(kOp).writes("y", y).reads("x", x).reads("weight", weight).reads("bias", bias), norm,
      statistics);
  require_workspace(kOp, stream, workspace,
                    fused_conv_forward_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->fused_conv_forward(stream, problem, x, norm, weight, bias, y, statistics, workspace);
    return;
  }
  cpu::conv_forward(stream.pool(), {problem, x, norm, weight, bias, y, statistics}, workspace);
}

std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& problem, Device device,
                                             DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("fused_conv_dgrad_workspace_bytes", dtype);
  if (device.kind == DeviceKind::cuda) {
    return cuda::fused_conv_dgrad_workspace_bytes(problem);
  }
  return cpu::fused_conv_dgrad_workspace_bytes(problem, dtype);
}

void fused_conv_dgrad(const Stream& stream, const ConvProblem& problem,
                      const DeferredGradient& grad_y, ConstTensorView weight, ConstTensorView x,
                      const NormRelu& norm, const NormReluGradient& out, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_dgrad";
  check_conv_problem(problem);
  const DType dtype = grad_y.g.dtype;
  require_float_dtype(kOp, dtype);
  require_deferred(kOp, stream, grad_y, problem.y_shape(), dtype);
  require_packed(kOp, stream, "weight", weight, problem.weight_shape(), dtype);
  require_norm(kOp, stream, norm, problem.x_shape());
  if (norm) {
    require_tensor(kOp, stream, "x", x, problem.x_shape(), dtype);
    require_norm_gradient(kOp, stream, out, problem.x_shape(), dtype);
  } else if (x) {
    fail(kOp, "x must be empty without a norm");
  } else {
    require_plain_output(kOp, stream, out, problem.x_shape(), dtype);
  }
  require_no_overlaps(Overlaps(kOp).reads("x", x).reads("weight", weight), grad_y, norm, out);
  require_workspace(kOp, stream, workspace,
                    fused_conv_dgrad_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->fused_conv_dgrad(stream, problem, grad_y, weight, x, norm, out, workspace);
    return;
  }
  cpu::conv_dgrad(stream.pool(), {problem, grad_y, weight, x, norm, out}, workspace);
}

std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& problem, Device device,
                                             DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("fused_conv_wgrad_workspace_bytes", dtype);
  if (device.kind == DeviceKind::cuda) {
    return cuda::fused_conv_wgrad_workspace_bytes(problem, dtype);
  }
  return cpu::fused_conv_wgrad_workspace_bytes(problem, dtype);
}

void fused_conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                      const NormRelu& norm, const DeferredGradient& grad_y, TensorView grad_weight,
                      GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_wgrad";
  check_conv_problem(problem);
  const DType dtype = x.dtype;
  require_float_dtype(kOp, dtype);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), dtype);
  require_norm(kOp, stream, norm, problem.x_shape());
  require_deferred(kOp, stream, grad_y, problem.y_shape(), dtype);
  require_packed(kOp, stream, "grad_weight", grad_weight, problem.weight_shape());
  require_mode(kOp, mode);
  require_no_overlaps(Overlaps(kOp).writes("grad_weight", grad_weight).reads("x", x), norm, grad_y);
  require_workspace(kOp, stream, workspace,
                    fused_conv_wgrad_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->fused_conv_wgrad(stream, problem, x, norm, grad_y, grad_weight, mode, workspace);
    return;
  }
  cpu::conv_wgrad(stream.pool(), {problem, x, norm, grad_y, grad_weight, mode}, workspace);
}

std::size_t fused_conv_backward_workspace_bytes(const ConvProblem& problem, Device device,
                                                DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("fused_conv_backward_workspace_bytes", dtype);
  if (device.kind == DeviceKind::cuda) {
    return cuda::fused_conv_backward_workspace_bytes(problem, dtype);
  }
  return std::max(cpu::fused_conv_dgrad_workspace_bytes(problem, dtype),
                  cpu::fused_conv_wgrad_workspace_bytes(problem, dtype));
}

void fused_conv_backward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                         const NormRelu& norm, ConstTensorView weight,
                         const DeferredGradient& grad_y, const NormReluGradient& out,
                         TensorView grad_weight, GradMode weight_mode, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_backward";
  check_conv_problem(problem);
  const DType dtype = grad_y.g.dtype;
  require_float_dtype(kOp, dtype);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), dtype);
  require_norm(kOp, stream, norm, problem.x_shape());
  require_packed(kOp, stream, "weight", weight, problem.weight_shape(), dtype);
  require_deferred(kOp, stream, grad_y, problem.y_shape(), dtype);
  if (norm) {
    require_norm_gradient(kOp, stream, out, problem.x_shape(), dtype);
  } else {
    require_plain_output(kOp, stream, out, problem.x_shape(), dtype);
  }
  require_packed(kOp, stream, "grad_weight", grad_weight, problem.weight_shape());
  require_mode(kOp, weight_mode);
  require_no_overlaps(
      Overlaps(kOp).writes("grad_weight", grad_weight).reads("x", x).reads("weight", weight), norm,
      grad_y, out);
  require_workspace(kOp, stream, workspace,
                    fused_conv_backward_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->fused_conv_backward(stream, problem, x, norm, weight, grad_y, out, grad_weight,
                             weight_mode, workspace);
    return;
  }
  cpu::conv_wgrad(stream.pool(), {problem, x, norm, grad_y, grad_weight, weight_mode}, workspace);
  cpu::conv_dgrad(stream.pool(), {problem, grad_y, weight, x, norm, out}, workspace);
}

}  // namespace accrete::kernels
