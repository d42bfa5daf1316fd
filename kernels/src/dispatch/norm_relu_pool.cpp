// SPDX-License-Identifier: Apache-2.0
// Entry points of norm_relu_pool.h.
#include "accrete/kernels/norm_relu_pool.h"

#include "accrete/kernels/pool.h"
#include "cpu/norm_relu.h"
#include "dispatch/cuda_backend.h"
#include "dispatch/norm_check.h"

namespace accrete::kernels {
namespace {

// [N,1,1,C] of [N,H,W,C].
Shape image_means(const Shape& x) {
  return {x.n, 1, 1, x.c};
}

// What every pool checks of its input.
void require_input(const char* op, const Stream& stream, const ConstTensorView& x,
                   const Shape& shape, const NormRelu& norm) {
  require_float_dtype(op, x.dtype);
  require_tensor(op, stream, "x", x, shape, x.dtype);
  require_norm_present(op, stream, norm, shape);
}

void require_gradient_output(const char* op, const Stream& stream, const ConstTensorView& x,
                             const NormReluGradient& out, const Workspace& workspace) {
  require_norm_gradient(op, stream, out, x.shape, x.dtype);
  require_workspace(op, stream, workspace, norm_relu_workspace_bytes(x.shape, stream.device()));
}

}  // namespace

void norm_relu_average_pool_forward(const Stream& stream, const PoolProblem& problem,
                                    ConstTensorView x, const NormRelu& norm, TensorView y) {
  constexpr const char* kOp = "norm_relu_average_pool_forward";
  check_pool_problem(problem);
  require_input(kOp, stream, x, problem.x_shape(), norm);
  require_tensor(kOp, stream, "y", y, problem.y_shape(), x.dtype);
  require_no_overlaps(Overlaps(kOp).writes("y", y).reads("x", x), norm);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_average_pool_forward(stream, problem, x, norm, y);
    return;
  }
  cpu::norm_relu_average_pool_forward(stream.pool(), problem, x, norm, y);
}

void norm_relu_average_pool_backward(const Stream& stream, const PoolProblem& problem,
                                     ConstTensorView grad_y, ConstTensorView x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     Workspace workspace) {
  constexpr const char* kOp = "norm_relu_average_pool_backward";
  check_pool_problem(problem);
  require_input(kOp, stream, x, problem.x_shape(), norm);
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape(), x.dtype);
  require_gradient_output(kOp, stream, x, out, workspace);
  require_no_overlaps(Overlaps(kOp).reads("grad_y", grad_y).reads("x", x), norm, out);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_average_pool_backward(stream, problem, grad_y, x, norm, out, workspace);
    return;
  }
  cpu::norm_relu_average_pool_backward(stream.pool(), problem, grad_y, x, norm, out, workspace);
}

void norm_relu_global_average_pool_forward(const Stream& stream, ConstTensorView x,
                                           const NormRelu& norm, TensorView y) {
  constexpr const char* kOp = "norm_relu_global_average_pool_forward";
  require_activation(kOp, stream, "x", x);
  require_norm_present(kOp, stream, norm, x.shape);
  require_tensor(kOp, stream, "y", y, image_means(x.shape), x.dtype);
  require_no_overlaps(Overlaps(kOp).writes("y", y).reads("x", x), norm);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_global_average_pool_forward(stream, x, norm, y);
    return;
  }
  cpu::norm_relu_global_average_pool_forward(stream.pool(), x, norm, y);
}

void norm_relu_global_average_pool_backward(const Stream& stream, ConstTensorView grad_y,
                                            ConstTensorView x, const NormRelu& norm,
                                            const NormReluGradient& out, Workspace workspace) {
  constexpr const char* kOp = "norm_relu_global_average_pool_backward";
  require_activation(kOp, stream, "x", x);
  require_norm_present(kOp, stream, norm, x.shape);
  require_tensor(kOp, stream, "grad_y", grad_y, image_means(x.shape), x.dtype);
  require_gradient_output(kOp, stream, x, out, workspace);
  require_no_overlaps(Overlaps(kOp).reads("grad_y", grad_y).reads("x", x), norm, out);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_global_average_pool_backward(stream, grad_y, x, norm, out, workspace);
    return;
  }
  cpu::norm_relu_backward(stream.pool(), grad_y, x.shape.h * x.shape.w, x, norm, out, workspace);
}

void norm_relu_max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                                const NormRelu& norm, TensorView y, TensorView winner,
                                const StatisticsOutput& statistics, Workspace workspace) {
  constexpr const char* kOp = "norm_relu_max_pool_forward";
  check_pool_problem(problem);
  require_input(kOp, stream, x, problem.x_shape(), norm);
  require_tensor(kOp, stream, "y", y, problem.y_shape(), x.dtype);
  if (winner) {
    require_packed(kOp, stream, "winner", winner, problem.y_shape(), DType::u8);
  }
  require_statistics(kOp, stream, statistics, problem.y_shape());
  require_no_overlaps(Overlaps(kOp).writes("y", y).writes("winner", winner).reads("x", x), norm,
                      statistics);
  require_workspace(kOp, stream, workspace, norm_relu_workspace_bytes(x.shape, stream.device()));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_max_pool_forward(stream, problem, x, norm, y, winner, statistics, workspace);
    return;
  }
  cpu::norm_relu_max_pool_forward(stream.pool(), problem, x, norm, y, winner, statistics,
                                  workspace);
}

void norm_relu_max_pool_backward(const Stream& stream, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, ConstTensorView winner,
                                 ConstTensorView x, const NormRelu& norm,
                                 const NormReluGradient& out, Workspace workspace) {
  constexpr const char* kOp = "norm_relu_max_pool_backward";
  check_pool_problem(problem);
  require_input(kOp, stream, x, problem.x_shape(), norm);
  require_deferred(kOp, stream, grad_y, problem.y_shape(), x.dtype);
  require_packed(kOp, stream, "winner", winner, problem.y_shape(), DType::u8);
  require_gradient_output(kOp, stream, x, out, workspace);
  require_no_overlaps(Overlaps(kOp).reads("winner", winner).reads("x", x), grad_y, norm, out);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_max_pool_backward(stream, problem, grad_y, winner, x, norm, out, workspace);
    return;
  }
  cpu::norm_relu_max_pool_backward(stream.pool(), problem, grad_y, winner, x, norm, out, workspace);
}

}  // namespace accrete::kernels
