// SPDX-License-Identifier: Apache-2.0
// The calls of batch_norm.h.
#include "accrete/kernels/batch_norm.h"

#include <string>

#include "call/run-inl.h"

namespace accrete::kernels {
namespace {

// Written so that NaN fails too.
bool is_momentum(float momentum) {
  return momentum >= 0.0F && momentum <= 1.0F;
}

void require_momentum(const char* op, const std::string& name, float momentum) {
  if (!is_momentum(momentum)) {
    fail(op, name + " is " + std::to_string(momentum) + ", must be in [0, 1]");
  }
}

// Names are put together only to be thrown: a call that is in order must not allocate.
void require_running(const RunningStatistics& s, std::int64_t index) {
  const char* op = UpdateRunningStatistics::kName;
  const auto name = [index] { return "statistics[" + std::to_string(index) + "]"; };
  for (const float* vector : {s.mean, s.variance, static_cast<const float*>(s.running_mean),
                              static_cast<const float*>(s.running_var)}) {
    if (vector == nullptr) {
      fail(op, name() + " has a vector without data");
    }
    require_aligned(op, "a vector of the statistics", vector, alignof(float));
  }
  if (s.channels < 1 || s.pixels < 1) {
    fail(op, name() + " has " + std::to_string(s.channels) + " channels of " +
                 std::to_string(s.pixels) + " pixels; both must be at least 1");
  }
  if (!is_momentum(s.momentum)) {
    require_momentum(op, name() + ".momentum", s.momentum);
  }
}

// Of what a norm makes of x, with or without ReLU.
template <class Call>
Operands normalising_operands(const Call& call) {
  const Shape& x = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads_in_place("x", call.x, x)
      .norm(call.norm, x.c)
      .writes("y", call.y, x);
}

}  // namespace

void require_options(const Stream& /*stream*/, const BatchNormTraining& call) {
  require_epsilon(call.kName, call.options.epsilon);
  require_momentum(call.kName, "momentum", call.options.momentum);
}

Operands operands_of(const BatchNormTraining& call) {
  const Shape& x = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads_in_place("x", call.x, x)
      .again()
      .writes("y", call.y, x)
      .reads_vector("gamma", call.gamma, x.c)
      .reads_vector("beta", call.beta, x.c)
      .writes_vector("running_mean", call.running_mean, x.c)
      .writes_vector("running_var", call.running_var, x.c)
      .writes_vector("mean", call.mean, x.c)
      .writes_vector("inv_std", call.inv_std, x.c);
}

void require_options(const Stream& /*stream*/, const BatchNormInference& call) {
  require_epsilon(call.kName, call.options.epsilon);
}

Operands operands_of(const BatchNormInference& call) {
  const Shape& x = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads_in_place("x", call.x, x)
      .writes("y", call.y, x)
      .reads_vector("gamma", call.gamma, x.c)
      .reads_vector("beta", call.beta, x.c)
      .reads_vector("running_mean", call.running_mean, x.c)
      .reads_vector("running_var", call.running_var, x.c);
}

Operands operands_of(const BatchNormNormalise& call) {
  return normalising_operands(call);
}

// One pass for the sums, one for the gradient.
Operands operands_of(const BatchNormBackward& call) {
  const Shape& x = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads("x", call.x, x)
      .again()
      .reads_in_place("grad_y", call.grad_y, x, call.mode)
      .again()
      .norm(call.norm, x.c)
      .writes("grad_x", call.grad_x, x, call.mode)
      .writes_vector("grad_gamma", call.grad_gamma, x.c)
      .writes_vector("grad_beta", call.grad_beta, x.c);
}

Operands operands_of(const NormReluForward& call) {
  return normalising_operands(call);
}

Operands operands_of(const NormReluBackward& call) {
  const Shape& x = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads_in_place("grad_y", call.grad_y, x, call.grad_x.mode)
      .gradient_of(call.x, call.norm, call.grad_x, x);
}

Operands operands_of(const ChannelStatistics& call) {
  const Shape& x = call.x.shape;
  Operands operands(call.kName, call.x.dtype);
  return operands.reads("x", call.x, x).statistics(call.statistics, x.c);
}

void require_options(const Stream& /*stream*/, const NormReluBackward& call) {
  if (!call.norm) {
    fail(call.kName, "norm.mean has no data");
  }
}

void require_options(const Stream& /*stream*/, const ChannelStatistics& call) {
  if (!call.statistics) {
    fail(call.kName, "statistics has no data");
  }
}

Operands operands_of(const ApplyDeferredGradient& call) {
  const Shape& y = call.grad_y.shape;
  return Operands(call.kName, call.grad_y.dtype)
      .deferred(call.gradient, y, Operands::Use::read_in_place)
      .writes("grad_y", call.grad_y, y);
}

void require_options(const Stream& /*stream*/, const InverseDeviation& call) {
  require_epsilon(call.kName, call.epsilon);
}

Operands operands_of(const InverseDeviation& call) {
  const Shape vector = channel_vector(call.variance.shape.c);
  return Operands(call.kName, DType::f32)
      .other("variance", call.variance, vector, DType::f32, Operands::Use::read_in_place, true)
      .writes_vector("inv_std", call.inv_std, vector.c);
}

void require_options(const Stream& /*stream*/, const UpdateRunningStatistics& call) {
  if (call.count < 0 || (call.count > 0 && call.statistics == nullptr)) {
    fail(call.kName, "no list of " + std::to_string(call.count) + " statistics");
  }
  for (std::int64_t i = 0; i < call.count; ++i) {
    require_running(call.statistics[i], i);
  }
}

// They are no views.
Operands operands_of(const UpdateRunningStatistics& call) {
  return {call.kName, DType::f32};
}

ACCRETE_INSTANTIATE_CALL(BatchNormTraining)
ACCRETE_INSTANTIATE_CALL(BatchNormInference)
ACCRETE_INSTANTIATE_CALL(BatchNormNormalise)
ACCRETE_INSTANTIATE_CALL(BatchNormBackward)
ACCRETE_INSTANTIATE_CALL(NormReluForward)
ACCRETE_INSTANTIATE_CALL(NormReluBackward)
ACCRETE_INSTANTIATE_CALL(ChannelStatistics)
ACCRETE_INSTANTIATE_CALL(ApplyDeferredGradient)
ACCRETE_INSTANTIATE_CALL(InverseDeviation)
ACCRETE_INSTANTIATE_CALL(UpdateRunningStatistics)

}  // namespace accrete::kernels
