// SPDX-License-Identifier: Apache-2.0
// Parameter updates: many parameters per launch, described by a table in the kernel's arguments.
// Floor: SGD with momentum reads 3 and writes 2 floats per element, Adam reads 4 and writes 3.
#include "cuda/optimizer.h"

#include <cmath>

#include "cuda/launch.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// 4 KiB of kernel arguments hold this many on every driver.
constexpr int kTableSize = 64;
constexpr unsigned kThreads = 256;
constexpr std::int64_t kMostBlocks = 512;  // per parameter

template <class Parameter>
struct Table {
  Parameter parameters[kTableSize];
};

// loss null or finite: go on.
__device__ __forceinline__ bool may_update(const float* loss) {
  return loss == nullptr || fabsf(*loss) < INFINITY;
}

struct Sgd {
  SgdOptions options;

  __device__ void operator()(const SgdParameter& parameter, std::int64_t i) const {
    const float old = parameter.value[i];
    float g = __fmaf_rn(parameter.weight_decay, old, parameter.gradient[i]);
    if (options.momentum != 0.0F) {
      const float buffer = __fmaf_rn(options.momentum, parameter.momentum[i], g);
      parameter.momentum[i] = buffer;
      g = options.nesterov ? __fmaf_rn(options.momentum, buffer, g) : buffer;
    }
    parameter.value[i] = __fmaf_rn(-options.learning_rate, g, old);
  }
};

struct Adam {
  float beta1, beta2;
  float one_minus_beta1, one_minus_beta2;
  float rate;        // learning rate with the first bias correction
  float root_scale;  // the second bias correction
  float epsilon;
  float learning_rate;
  bool decoupled;

  __device__ void operator()(const AdamParameter& parameter, std::int64_t i) const {
    const float old = parameter.value[i];
    const float l2 = decoupled ? 0.0F : parameter.weight_decay;
    const float shrink = decoupled ? 1.0F - learning_rate * parameter.weight_decay : 1.0F;
    const float g = __fmaf_rn(l2, old, parameter.gradient[i]);
    const float m = __fmaf_rn(beta1, parameter.first_moment[i], one_minus_beta1 * g);
    const float v = __fmaf_rn(beta2, parameter.second_moment[i], one_minus_beta2 * g * g);
    parameter.first_moment[i] = m;
    parameter.second_moment[i] = v;
    parameter.value[i] = old * shrink - rate * m / __fmaf_rn(sqrtf(v), root_scale, epsilon);
  }
};

Adam make_adam(const AdamOptions& options, std::int64_t step) {
  const auto beta1 = static_cast<double>(options.beta1);
  const auto beta2 = static_cast<double>(options.beta2);
  const double correction1 = 1.0 - std::pow(beta1, static_cast<double>(step));
  const double correction2 = 1.0 - std::pow(beta2, static_cast<double>(step));
  return {options.beta1,
          options.beta2,
          static_cast<float>(1.0 - beta1),
          static_cast<float>(1.0 - beta2),
          static_cast<float>(static_cast<double>(options.learning_rate) / correction1),
          static_cast<float>(1.0 / std::sqrt(correction2)),
          options.epsilon,
          options.learning_rate,
          options.decoupled_weight_decay};
}

// blockIdx.y is the parameter.
template <class Rule, class Parameter>
__global__ void __launch_bounds__(kThreads)
    update(Rule rule, const __grid_constant__ Table<Parameter> table, const float* loss) {
  if (!may_update(loss)) {
    return;
  }
  const Parameter& parameter = table.parameters[blockIdx.y];
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < parameter.count; i += step) {
    rule(parameter, i);
  }
}

template <class Rule, class Parameter>
void update_all(const Stream& stream, const char* op, const Rule& rule, const float* loss,
                const Parameter* parameters, std::int64_t num_parameters) {
  for (std::int64_t first = 0; first < num_parameters; first += kTableSize) {
    const std::int64_t rest = num_parameters - first;
    const std::int64_t count = rest < kTableSize ? rest : kTableSize;
    Table<Parameter> table{};
    std::int64_t largest = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      table.parameters[i] = parameters[first + i];
      largest = largest < table.parameters[i].count ? table.parameters[i].count : largest;
    }
    const std::int64_t blocks = (largest + kThreads - 1) / kThreads;
    launch(stream, op, &update<Rule, Parameter>,
           {dim3(static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks),
                 static_cast<unsigned>(count)),
            kThreads},
           rule, table, loss);
  }
}

}  // namespace

void sgd_step(const Stream& stream, const SgdOptions& options, const SgdParameter* parameters,
              std::int64_t num_parameters) {
  update_all(stream, "sgd_step", Sgd{options}, options.loss, parameters, num_parameters);
}

void adam_step(const Stream& stream, const AdamOptions& options, std::int64_t step,
               const AdamParameter* parameters, std::int64_t num_parameters) {
  update_all(stream, "adam_step", make_adam(options, step), options.loss, parameters,
             num_parameters);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
