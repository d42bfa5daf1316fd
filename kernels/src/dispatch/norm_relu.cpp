// SPDX-License-Identifier: Apache-2.0
// Entry points of norm_relu.h.
#include "accrete/kernels/norm_relu.h"

#include "cpu/norm_relu.h"
#include "cuda/plan/norm_plan.h"
#include "dispatch/cuda_backend.h"
#include "dispatch/norm_check.h"

namespace accrete::kernels {
namespace {

void require_running(const char* op, const RunningStatistics& s, std::int64_t index) {
  const std::string name = "statistics[" + std::to_string(index) + "]";
  if (s.mean == nullptr || s.variance == nullptr || s.running_mean == nullptr ||
      s.running_var == nullptr) {
    fail(op, name + " has a vector without data");
  }
  for (const float* vector : {s.mean, s.variance, static_cast<const float*>(s.running_mean),
                              static_cast<const float*>(s.running_var)}) {
    require_aligned(op, "a vector of the statistics", vector, alignof(float));
  }
  if (s.channels < 1 || s.pixels < 1) {
    fail(op, name + " has " + std::to_string(s.channels) + " channels of " +
                 std::to_string(s.pixels) + " pixels; both must be at least 1");
  }
  if (!(s.momentum >= 0.0F && s.momentum <= 1.0F)) {
    fail(op, name + ".momentum is " + std::to_string(s.momentum) + ", must be in [0, 1]");
  }
}

}  // namespace

std::size_t norm_relu_workspace_bytes(const Shape& x, Device device) {
  check_shape(x, "[norm_relu_workspace_bytes] x");
  if (device.kind == DeviceKind::cuda) {
    return cuda::norm_relu_workspace_bytes(x);
  }
  return cpu::norm_relu_workspace_bytes(x);
}

void channel_statistics(const Stream& stream, ConstTensorView x, const StatisticsOutput& out,
                        Workspace workspace) {
  constexpr const char* kOp = "channel_statistics";
  require_activation(kOp, stream, "x", x);
  if (!out) {
    fail(kOp, "out has no data");
  }
  require_statistics(kOp, stream, out, x.shape);
  require_no_overlaps(Overlaps(kOp).reads("x", x), out);
  require_workspace(kOp, stream, workspace, norm_relu_workspace_bytes(x.shape, stream.device()));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->channel_statistics(stream, x, out, workspace);
    return;
  }
  cpu::channel_statistics(stream.pool(), x, out, workspace);
}

void norm_relu_forward(const Stream& stream, ConstTensorView x, const NormRelu& norm,
                       TensorView y) {
  constexpr const char* kOp = "norm_relu_forward";
  require_activation(kOp, stream, "x", x);
  require_norm_present(kOp, stream, norm, x.shape);
  require_tensor(kOp, stream, "y", y, x.shape, x.dtype);
  require_no_overlaps(Overlaps(kOp).writes("y", y).reads_in_place("x", x), norm);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_forward(stream, x, norm, y);
    return;
  }
  cpu::norm_relu_forward(stream.pool(), x, norm, y);
}

void norm_relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView x,
                        const NormRelu& norm, const NormReluGradient& out, Workspace workspace) {
  constexpr const char* kOp = "norm_relu_backward";
  require_activation(kOp, stream, "x", x);
  require_tensor(kOp, stream, "grad_y", grad_y, x.shape, x.dtype);
  require_norm_present(kOp, stream, norm, x.shape);
  require_norm_gradient(kOp, stream, out, x.shape, x.dtype);
  require_no_overlaps(Overlaps(kOp).reads_in_place("grad_y", grad_y, out.mode).reads("x", x), norm,
                      out);
  require_workspace(kOp, stream, workspace, norm_relu_workspace_bytes(x.shape, stream.device()));
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->norm_relu_backward(stream, grad_y, x, norm, out, workspace);
    return;
  }
  cpu::norm_relu_backward(stream.pool(), grad_y, 1, x, norm, out, workspace);
}

void apply_deferred_gradient(const Stream& stream, const DeferredGradient& gradient,
                             TensorView grad_y) {
  constexpr const char* kOp = "apply_deferred_gradient";
  require_activation(kOp, stream, "grad_y", grad_y);
  require_deferred(kOp, stream, gradient, grad_y.shape, grad_y.dtype);
  DeferredGradient rest = gradient;
  rest.g = {};
  require_no_overlaps(
      Overlaps(kOp).writes("grad_y", grad_y).reads_in_place("gradient.g", gradient.g), rest);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->apply_deferred_gradient(stream, gradient, grad_y);
    return;
  }
  cpu::apply_deferred_gradient(stream.pool(), gradient, grad_y);
}

void inverse_deviation(const Stream& stream, ConstTensorView variance, float epsilon,
                       TensorView inv_std) {
  constexpr const char* kOp = "inverse_deviation";
  require_packed(kOp, stream, "variance", variance, channel_vector(variance.shape.c));
  require_packed(kOp, stream, "inv_std", inv_std, variance.shape);
  Overlaps(kOp).writes("inv_std", inv_std).reads_in_place("variance", variance).require_none();
  require_epsilon(kOp, epsilon);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->inverse_deviation(stream, variance, epsilon, inv_std);
    return;
  }
  cpu::inverse_deviation(stream.pool(), variance, epsilon, inv_std);
}

void update_running_statistics(const Stream& stream, const RunningStatistics* statistics,
                               std::int64_t count) {
  constexpr const char* kOp = "update_running_statistics";
  if (count < 0 || (count > 0 && statistics == nullptr)) {
    fail(kOp, "no list of " + std::to_string(count) + " statistics");
  }
  for (std::int64_t i = 0; i < count; ++i) {
    require_running(kOp, statistics[i], i);
  }
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->update_running_statistics(stream, statistics, count);
    return;
  }
  cpu::update_running_statistics(stream.pool(), statistics, count);
}

}  // namespace accrete::kernels
