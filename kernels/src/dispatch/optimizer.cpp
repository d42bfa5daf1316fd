// SPDX-License-Identifier: Apache-2.0
// Entry points of optimizer.h.
#include "accrete/kernels/optimizer.h"

#include <cmath>
#include <string>

#include "accrete/kernels/checked_size.h"
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

// All parameters are worked through as one long array.
template <class Parameter>
void require_counts(const char* op, const Parameter* parameters, std::int64_t num_parameters) {
  CheckedSize total;
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    total += parameters[i].count;
    if (!total.at_most(kMostElements)) {
      fail(op, "parameter " + std::to_string(i) + " has count " +
                   std::to_string(parameters[i].count) +
                   "; counts must be positive or 0, and at most 2^40 in all");
    }
  }
}

// The arrays of one parameter, checked as they are named.
class Arrays {
 public:
  Arrays(const char* op, const Stream& stream, std::int64_t parameter, std::int64_t count)
      : op_(op), device_(stream.device()), parameter_(parameter), count_(count), overlaps_(op) {}

  void written(const char* name, const void* data, DType dtype = DType::f32) {
    overlaps_.writes(name, view(name, data, dtype));
  }
  void read(const char* name, const void* data) {
    overlaps_.reads(name, view(name, data, DType::f32));
  }
  void require_no_overlaps() const { overlaps_.require_none(); }

 private:
  ConstTensorView view(const char* name, const void* data, DType dtype) const {
    if (count_ > 0 && data == nullptr) {
      fail(op_, "parameter " + std::to_string(parameter_) + " of " + std::to_string(count_) +
                    " elements has no " + name);
    }
    require_aligned(op_, name, data, dtype_bytes(dtype));
    return count_ == 0 ? ConstTensorView()
                       : ConstTensorView(data, channel_vector(count_), dtype, device_);
  }

  const char* op_;
  Device device_;
  std::int64_t parameter_, count_;
  Overlaps overlaps_;
};

void require_arrays(const char* op, const Stream& stream, const SgdOptions& options,
                    const SgdParameter& parameter, std::int64_t index) {
  Arrays arrays(op, stream, index, parameter.count);
  arrays.written("value", parameter.value);
  arrays.read("gradient", parameter.gradient);
  if (options.momentum != 0.0F) {
    arrays.written("momentum", parameter.momentum);
  }
  if (parameter.rounded != nullptr) {
    arrays.written("rounded", parameter.rounded, DType::bf16);
  }
  arrays.require_no_overlaps();
}

void require_arrays(const char* op, const Stream& stream, const AdamParameter& parameter,
                    std::int64_t index) {
  Arrays arrays(op, stream, index, parameter.count);
  arrays.written("value", parameter.value);
  arrays.read("gradient", parameter.gradient);
  arrays.written("first_moment", parameter.first_moment);
  arrays.written("second_moment", parameter.second_moment);
  if (parameter.rounded != nullptr) {
    arrays.written("rounded", parameter.rounded, DType::bf16);
  }
  arrays.require_no_overlaps();
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
  require_aligned(op, "loss", options.loss, alignof(float));
  require_decay_rate(op, "momentum", options.momentum);
  require_counts(op, parameters, num_parameters);
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    require_arrays(op, stream, options, parameters[i], i);
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
  require_aligned(op, "loss", options.loss, alignof(float));
  require_decay_rate(op, "beta1", options.beta1);
  require_decay_rate(op, "beta2", options.beta2);
  if (step < 1) {
    fail(op, "step is " + std::to_string(step) + ", the first is 1");
  }
  require_counts(op, parameters, num_parameters);
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    require_arrays(op, stream, parameters[i], i);
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
