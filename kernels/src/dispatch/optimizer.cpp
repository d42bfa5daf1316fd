// SPDX-License-Identifier: Apache-2.0
// Entry points of optimizer.h.
#include "accrete/kernels/optimizer.h"

#include "cpu/optimizer.h"
#include "dispatch/check.h"

namespace accrete::kernels {
namespace {

template <class Parameter>
void require_arrays(const char* op, const Parameter& p, std::int64_t index, bool states) {
  if (p.count < 1 || p.value == nullptr || p.gradient == nullptr || !states) {
    fail(op, "parameter " + std::to_string(index) + " with " + std::to_string(p.count) +
                 " elements lacks an array: value, gradient and the optimizer's state are needed");
  }
}

}  // namespace

void sgd_step(const Stream& stream, const SgdOptions& options, const SgdParameter* parameters,
              std::int64_t num_parameters) {
  const char* op = "sgd_step";
  require_device(op, stream.device());
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    const bool states = options.momentum == 0.0F || parameters[i].momentum != nullptr;
    require_arrays(op, parameters[i], i, states);
  }
  cpu::sgd_step(stream.pool(), options, parameters, num_parameters);
}

void adam_step(const Stream& stream, const AdamOptions& options, std::int64_t step,
               const AdamParameter* parameters, std::int64_t num_parameters) {
  const char* op = "adam_step";
  require_device(op, stream.device());
  if (step < 1) {
    fail(op, "step is " + std::to_string(step) + ", steps count from 1");
  }
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    const bool states =
        parameters[i].first_moment != nullptr && parameters[i].second_moment != nullptr;
    require_arrays(op, parameters[i], i, states);
  }
  cpu::adam_step(stream.pool(), options, step, parameters, num_parameters);
}

}  // namespace accrete::kernels
