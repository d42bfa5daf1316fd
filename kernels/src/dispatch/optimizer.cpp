// SPDX-License-Identifier: Apache-2.0
// Entry points of optimizer.h.
#include "accrete/kernels/optimizer.h"

#include <cmath>
#include <string>

#include "cpu/optimizer.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {
namespace {

void require_list(const char* op, const void* parameters, std::int64_t num_parameters) {
  if (num_parameters < 0 || (num_parameters > 0 && parameters == nullptr)) {
    fail(op, "got " + std::to_string(num_parameters) + " parameters" +
                 (parameters == nullptr ? " at a null pointer" : ""));
  }
}

void require_array(const char* op, std::int64_t parameter, const char* name, const void* data,
                   std::int64_t count) {
  if (count < 0) {
    fail(op, "parameter " + std::to_string(parameter) + " has count " + std::to_string(count));
  }
  if (count > 0 && data == nullptr) {
    fail(op, "parameter " + std::to_string(parameter) + " of " + std::to_string(count) +
                 " elements has no " + name);
  }
}

// On the CPU the loss can be read before the update starts.
bool has_diverged(const float* loss) {
  return loss != nullptr && !std::isfinite(*loss);
}

void require_decay_rate(const char* op, const char* name, float value) {
  if (!(value >= 0.0F && value < 1.0F)) {
    fail(op, std::string(name) + " is " + std::to_string(value) + ", must be in [0, 1)");
  }
}

}  // namespace

void sgd_step(const Stream& stream, const SgdOptions& options, const SgdParameter* parameters,
              std::int64_t num_parameters) {
  const char* op = "sgd_step";
  require_list(op, parameters, num_parameters);
  require_decay_rate(op, "momentum", options.momentum);
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    const SgdParameter& parameter = parameters[i];
    require_array(op, i, "value", parameter.value, parameter.count);
    require_array(op, i, "gradient", parameter.gradient, parameter.count);
    if (options.momentum != 0.0F) {
      require_array(op, i, "momentum", parameter.momentum, parameter.count);
    }
  }
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->sgd_step(stream, options, parameters, num_parameters);
    return;
  }
  if (!has_diverged(options.loss)) {
    cpu::sgd_step(stream.pool(), options, parameters, num_parameters);
  }
}

void adam_step(const Stream& stream, const AdamOptions& options, std::int64_t step,
               const AdamParameter* parameters, std::int64_t num_parameters) {
  const char* op = "adam_step";
  require_list(op, parameters, num_parameters);
  require_decay_rate(op, "beta1", options.beta1);
  require_decay_rate(op, "beta2", options.beta2);
  if (step < 1) {
    fail(op, "step is " + std::to_string(step) + ", the first is 1");
  }
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    const AdamParameter& parameter = parameters[i];
    require_array(op, i, "value", parameter.value, parameter.count);
    require_array(op, i, "gradient", parameter.gradient, parameter.count);
    require_array(op, i, "first_moment", parameter.first_moment, parameter.count);
    require_array(op, i, "second_moment", parameter.second_moment, parameter.count);
  }
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->adam_step(stream, options, step, parameters, num_parameters);
    return;
  }
  if (!has_diverged(options.loss)) {
    cpu::adam_step(stream.pool(), options, step, parameters, num_parameters);
  }
}

}  // namespace accrete::kernels
