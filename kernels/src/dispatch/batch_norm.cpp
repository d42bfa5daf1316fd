// SPDX-License-Identifier: Apache-2.0
// Entry points of batch_norm.h.
#include "accrete/kernels/batch_norm.h"

#include <cmath>
#include <initializer_list>

#include "cpu/batch_norm.h"
#include "cuda/plan/batch_norm_plan.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {
namespace {

// Written so that NaN fails too.
void require_options(const char* op, const BatchNormOptions& options) {
  if (!(options.epsilon > 0.0F) || !std::isfinite(options.epsilon)) {
    fail(op, "epsilon is " + std::to_string(options.epsilon) + ", must be positive and finite");
  }
  if (!(options.momentum >= 0.0F && options.momentum <= 1.0F)) {
    fail(op, "momentum is " + std::to_string(options.momentum) + ", must be in [0, 1]");
  }
}

void require_input(const char* op, const Stream& stream, const BatchNormOptions& options,
                   const ConstTensorView& x) {
  require_options(op, options);
  require_activation(op, stream, "x", x);
}

struct Vector {
  const char* name;
  ConstTensorView view;
};

// The vectors of a call for the channels of x.
class Vectors {
 public:
  Vectors(const char* op, const Stream& stream, const Shape& x, Overlaps& overlaps)
      : op_(op), stream_(stream), shape_(channel_vector(x.c)), overlaps_(overlaps) {}

  void require_read(std::initializer_list<Vector> vectors) {
    for (const Vector& vector : vectors) {
      require_packed(op_, stream_, vector.name, vector.view, shape_);
      overlaps_.reads(vector.name, vector.view);
    }
  }
  void require_written(std::initializer_list<Vector> vectors) {
    for (const Vector& vector : vectors) {
      require_packed(op_, stream_, vector.name, vector.view, shape_);
      overlaps_.writes(vector.name, vector.view);
    }
  }

 private:
  const char* op_;
  const Stream& stream_;
  Shape shape_;
  Overlaps& overlaps_;
};

}  // namespace

std::size_t batch_norm_workspace_bytes(const Shape& x, Device device) {
  check_shape(x, "[batch_norm_workspace_bytes] x");
  return device.kind == DeviceKind::cuda ? cuda::batch_norm_workspace_bytes(x)
                                         : cpu::batch_norm_workspace_bytes(x);
}

void batch_norm_training(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, TensorView running_mean,
                         TensorView running_var, TensorView save_mean, TensorView save_inv_std,
                         TensorView y, Workspace workspace) {
  const char* op = "batch_norm_training";
  require_input(op, stream, options, x);
  require_tensor(op, stream, "y", y, x.shape, x.dtype);
  Overlaps overlaps(op);
  Vectors vectors(op, stream, x.shape, overlaps);
  vectors.require_read({{"gamma", gamma}, {"beta", beta}});
  vectors.require_written({{"running_mean", running_mean},
                           {"running_var", running_var},
                           {"save_mean", save_mean},
                           {"save_inv_std", save_inv_std}});
  require_workspace(op, stream, workspace, batch_norm_workspace_bytes(x.shape, stream.device()));
  overlaps.writes("y", y).reads_in_place("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->batch_norm_training(stream, options, x, gamma, beta, running_mean, running_var, save_mean,
                             save_inv_std, y, workspace);
    return;
  }
  cpu::batch_norm_statistics(
      stream.pool(), options, x,
      {save_mean.f32(), save_inv_std.f32(), running_mean.f32(), running_var.f32()},
      static_cast<float*>(workspace.data));
  cpu::batch_norm_normalise(stream.pool(), options.relu, x,
                            {gamma.f32(), beta.f32(), save_mean.f32(), save_inv_std.f32()}, y);
}

void batch_norm_normalise(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                          ConstTensorView inv_std, TensorView y) {
  const char* op = "batch_norm_normalise";
  require_input(op, stream, options, x);
  require_tensor(op, stream, "y", y, x.shape, x.dtype);
  Overlaps overlaps(op);
  Vectors(op, stream, x.shape, overlaps)
      .require_read({{"gamma", gamma}, {"beta", beta}, {"mean", mean}, {"inv_std", inv_std}});
  overlaps.writes("y", y).reads_in_place("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->batch_norm_normalise(stream, options, x, gamma, beta, mean, inv_std, y);
    return;
  }
  cpu::batch_norm_normalise(stream.pool(), options.relu, x,
                            {gamma.f32(), beta.f32(), mean.f32(), inv_std.f32()}, y);
}

void batch_norm_inference(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                          ConstTensorView running_var, TensorView y) {
  const char* op = "batch_norm_inference";
  require_input(op, stream, options, x);
  require_tensor(op, stream, "y", y, x.shape, x.dtype);
  Overlaps overlaps(op);
  Vectors(op, stream, x.shape, overlaps)
      .require_read({{"gamma", gamma},
                     {"beta", beta},
                     {"running_mean", running_mean},
                     {"running_var", running_var}});
  overlaps.writes("y", y).reads_in_place("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->batch_norm_inference(stream, options, x, gamma, beta, running_mean, running_var, y);
    return;
  }
  cpu::batch_norm_normalise_running(stream.pool(), options, x,
                                    {gamma.f32(), beta.f32(), running_mean.f32(), nullptr},
                                    running_var.f32(), y);
}

void batch_norm_backward(const Stream& stream, const BatchNormOptions& options,
                         ConstTensorView grad_y, ConstTensorView x, ConstTensorView gamma,
                         ConstTensorView beta, ConstTensorView save_mean,
                         ConstTensorView save_inv_std, TensorView grad_x, GradMode mode,
                         TensorView grad_gamma, TensorView grad_beta, Workspace workspace) {
  const char* op = "batch_norm_backward";
  require_input(op, stream, options, x);
  require_tensor(op, stream, "grad_y", grad_y, x.shape, x.dtype);
  require_tensor(op, stream, "grad_x", grad_x, x.shape, x.dtype);
  require_mode(op, mode);
  Overlaps overlaps(op);
  Vectors given(op, stream, x.shape, overlaps);
  given.require_read(
      {{"gamma", gamma}, {"beta", beta}, {"save_mean", save_mean}, {"save_inv_std", save_inv_std}});
  given.require_written({{"grad_gamma", grad_gamma}, {"grad_beta", grad_beta}});
  require_workspace(op, stream, workspace, batch_norm_workspace_bytes(x.shape, stream.device()));
  overlaps.writes("grad_x", grad_x)
      .reads("x", x)
      .reads_in_place("grad_y", grad_y, mode)
      .require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->batch_norm_backward(stream, options, grad_y, x, gamma, beta, save_mean, save_inv_std,
                             grad_x, mode, grad_gamma, grad_beta, workspace);
    return;
  }
  const cpu::BatchNormVectors vectors{gamma.f32(), beta.f32(), save_mean.f32(), save_inv_std.f32()};
  cpu::batch_norm_parameter_gradients(stream.pool(), options.relu, grad_y, x, vectors,
                                      grad_gamma.f32(), grad_beta.f32(),
                                      static_cast<float*>(workspace.data));
  cpu::batch_norm_data_gradient(stream.pool(), options, grad_y, x, vectors, grad_gamma.f32(),
                                grad_beta.f32(), grad_x, mode);
}

}  // namespace accrete::kernels
