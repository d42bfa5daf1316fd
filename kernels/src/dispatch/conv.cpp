// SPDX-License-Identifier: Apache-2.0
// Public entry points of convolution: validate, then hand over to the device's kernels.
#include "accrete/kernels/conv.h"

#include <limits>

#include "accrete/kernels/checked_size.h"
#include "cpu/conv.h"
#include "cuda/plan/conv_plan.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {
namespace {

// Gradients of the data walk through stride_h * stride_w phases.
constexpr std::int64_t kMostStride = 1024;

void require_extent(const char* name, std::int64_t value, std::int64_t lowest,
                    std::int64_t highest = std::numeric_limits<std::int32_t>::max()) {
  if (value < lowest || value > highest) {
    fail("conv_problem", std::string(name) + " is " + std::to_string(value) + ", allowed are " +
                             std::to_string(lowest) + " to " + std::to_string(highest));
  }
}

void require_fit(const char* filter_name, std::int64_t filter, const char* image_name,
                 std::int64_t image, std::int64_t pad, const ConvProblem& problem) {
  if (filter > image + 2 * pad) {
    fail("conv_problem", std::string(filter_name) + "=" + std::to_string(filter) +
                             " exceeds the padded " + image_name + "=" + std::to_string(image) +
                             "+2*" + std::to_string(pad) + " (x " + to_string(problem.x_shape()) +
                             ", weight " + to_string(problem.weight_shape()) +
                             "); the output needs at least one pixel");
  }
}

// Whatever is computed from a problem, the work of a pass or the bytes of padded and packed copies,
// is at most a few times one of these.
void require_countable(const ConvProblem& problem) {
  check_shape(problem.x_shape(), "[conv_problem] x");
  check_shape(problem.weight_shape(), "[conv_problem] weight");
  check_shape(problem.y_shape(), "[conv_problem] y");
  check_shape({1, problem.H + 2 * problem.pad_h, problem.W + 2 * problem.pad_w, problem.C},
              "[conv_problem] padded image");
  constexpr std::int64_t kMostMacs = std::int64_t{1} << 62;
  const CheckedSize macs =
      checked_product({problem.y_shape().elements(), problem.R, problem.S, problem.C});
  if (!macs.at_most(kMostMacs)) {
    fail("conv_problem", "y " + to_string(problem.y_shape()) + " from weight " +
                             to_string(problem.weight_shape()) +
                             " takes more than 2^62 multiply-accumulates");
  }
}

}  // namespace

void check_conv_problem(const ConvProblem& problem) {
  require_extent("N", problem.N, 1);
  require_extent("H", problem.H, 1);
  require_extent("W", problem.W, 1);
  require_extent("C", problem.C, 1);
  require_extent("K", problem.K, 1);
  require_extent("R", problem.R, 1);
  require_extent("S", problem.S, 1);
  require_extent("stride_h", problem.stride_h, 1, kMostStride);
  require_extent("stride_w", problem.stride_w, 1, kMostStride);
  require_extent("pad_h", problem.pad_h, 0);
  require_extent("pad_w", problem.pad_w, 0);
  require_fit("R", problem.R, "H", problem.H, problem.pad_h, problem);
  require_fit("S", problem.S, "W", problem.W, problem.pad_w, problem);
  require_countable(problem);
}

std::size_t conv_forward_workspace_bytes(const ConvProblem& problem, Device device, DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("conv_forward_workspace_bytes", dtype);
  return device.kind == DeviceKind::cuda ? cuda::conv_forward_workspace_bytes(problem, dtype)
                                         : cpu::conv_forward_workspace_bytes(problem, dtype);
}

void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y, Workspace workspace) {
  constexpr const char* kOp = "conv_forward";
  check_conv_problem(problem);
  const DType dtype = x.dtype;
  require_float_dtype(kOp, dtype);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), dtype);
  require_packed(kOp, stream, "weight", weight, problem.weight_shape(), dtype);
  if (bias) {
    require_packed(kOp, stream, "bias", bias, channel_vector(problem.K));
  }
  require_tensor(kOp, stream, "y", y, problem.y_shape(), dtype);
  Overlaps(kOp)
      .writes("y", y)
      .reads("x", x)
      .reads("weight", weight)
      .reads("bias", bias)
      .require_none();
  require_workspace(kOp, stream, workspace,
                    conv_forward_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->conv_forward(stream, problem, x, weight, bias, y, workspace);
    return;
  }
  cpu::conv_forward(stream.pool(), cpu::plain_forward(problem, x, weight, bias, y), workspace);
}

std::size_t conv_dgrad_workspace_bytes(const ConvProblem& problem, Device device, DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("conv_dgrad_workspace_bytes", dtype);
  return device.kind == DeviceKind::cuda ? cuda::conv_dgrad_workspace_bytes(problem, dtype)
                                         : cpu::conv_dgrad_workspace_bytes(problem, dtype);
}

void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "conv_dgrad";
  check_conv_problem(problem);
  const DType dtype = grad_y.dtype;
  require_float_dtype(kOp, dtype);
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape(), dtype);
  require_packed(kOp, stream, "weight", weight, problem.weight_shape(), dtype);
  require_tensor(kOp, stream, "grad_x", grad_x, problem.x_shape(), dtype);
  require_mode(kOp, mode);
  Overlaps(kOp)
      .writes("grad_x", grad_x)
      .reads("grad_y", grad_y)
      .reads("weight", weight)
      .require_none();
  require_workspace(kOp, stream, workspace,
                    conv_dgrad_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->conv_dgrad(stream, problem, grad_y, weight, grad_x, mode, workspace);
    return;
  }
  cpu::conv_dgrad(stream.pool(), cpu::plain_dgrad(problem, grad_y, weight, grad_x, mode),
                  workspace);
}

std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem, Device device, DType dtype) {
  check_conv_problem(problem);
  require_float_dtype("conv_wgrad_workspace_bytes", dtype);
  return device.kind == DeviceKind::cuda ? cuda::conv_wgrad_workspace_bytes(problem, dtype)
                                         : cpu::conv_wgrad_workspace_bytes(problem, dtype);
}

void conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                ConstTensorView grad_y, TensorView grad_weight, GradMode mode,
                Workspace workspace) {
  constexpr const char* kOp = "conv_wgrad";
  check_conv_problem(problem);
  const DType dtype = x.dtype;
  require_float_dtype(kOp, dtype);
  require_tensor(kOp, stream, "x", x, problem.x_shape(), dtype);
  require_tensor(kOp, stream, "grad_y", grad_y, problem.y_shape(), dtype);
  require_packed(kOp, stream, "grad_weight", grad_weight, problem.weight_shape());
  require_mode(kOp, mode);
  Overlaps(kOp)
      .writes("grad_weight", grad_weight)
      .reads("x", x)
      .reads("grad_y", grad_y)
      .require_none();
  require_workspace(kOp, stream, workspace,
                    conv_wgrad_workspace_bytes(problem, stream.device(), dtype));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->conv_wgrad(stream, problem, x, grad_y, grad_weight, mode, workspace);
    return;
  }
  cpu::conv_wgrad(stream.pool(), cpu::plain_wgrad(problem, x, grad_y, grad_weight, mode),
                  workspace);
}

std::size_t bias_grad_workspace_bytes(const Shape& grad_y, Device device) {
  check_shape(grad_y, "[bias_grad] grad_y");
  return device.kind == DeviceKind::cuda ? cuda::bias_grad_workspace_bytes(grad_y)
                                         : cpu::bias_grad_workspace_bytes(grad_y);
}

void bias_grad(const Stream& stream, ConstTensorView grad_y, TensorView grad_bias, GradMode mode,
               Workspace workspace) {
  constexpr const char* kOp = "bias_grad";
  require_activation(kOp, stream, "grad_y", grad_y);
  require_packed(kOp, stream, "grad_bias", grad_bias, channel_vector(grad_y.shape.c));
  require_mode(kOp, mode);
  Overlaps(kOp).writes("grad_bias", grad_bias).reads("grad_y", grad_y).require_none();
  require_workspace(kOp, stream, workspace,
                    bias_grad_workspace_bytes(grad_y.shape, stream.device()));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->bias_grad(stream, grad_y, grad_bias, mode, workspace);
    return;
  }
  cpu::bias_grad(stream.pool(), grad_y, grad_bias, mode, workspace);
}

}  // namespace accrete::kernels
