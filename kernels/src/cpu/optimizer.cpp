// SPDX-License-Identifier: Apache-2.0
// Parameter updates over chunks of elements; a task finds its chunk by walking the parameter list.
#include "cpu/optimizer.h"

#include <algorithm>
#include <cmath>

namespace accrete::kernels::cpu {
namespace {

constexpr std::int64_t kChunkElements = 16384;

std::int64_t chunks_of(std::int64_t count) {
  return (count + kChunkElements - 1) / kChunkElements;
}

// Calls update(parameter, begin, end) for every chunk of every parameter.
template <class Parameter, class Update>
void for_each_chunk(ThreadPool& pool, const Parameter* parameters, std::int64_t num_parameters,
                    const Update& update) {
  std::int64_t tasks = 0;
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    tasks += chunks_of(parameters[i].count);
  }
  pool.parallel_for(tasks, [&](std::int64_t task) {
    const Parameter* parameter = parameters;
    while (task >= chunks_of(parameter->count)) {
      task -= chunks_of(parameter->count);
      ++parameter;
    }
    const std::int64_t begin = task * kChunkElements;
    update(*parameter, begin, std::min(begin + kChunkElements, parameter->count));
  });
}

void sgd_chunk(const SgdOptions& options, const SgdParameter& p, std::int64_t begin,
               std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    float g = p.gradient[i] + p.weight_decay * p.value[i];
    if (options.momentum != 0.0F) {
      const float buffer = options.momentum * p.momentum[i] + g;
      p.momentum[i] = buffer;
      g = options.nesterov ? g + options.momentum * buffer : buffer;
    }
    p.value[i] -= options.learning_rate * g;
  }
}

struct AdamRates {
  float step_size;          // learning rate over the first moment's bias correction
  float second_correction;  // 1 / sqrt of the second moment's bias correction
};

void adam_chunk(const AdamOptions& options, const AdamRates& rates, const AdamParameter& p,
                std::int64_t begin, std::int64_t end) {
  const bool decoupled = options.decoupled_weight_decay;
  const float shrink = decoupled ? 1.0F - options.learning_rate * p.weight_decay : 1.0F;
  const float l2 = decoupled ? 0.0F : p.weight_decay;
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = p.gradient[i] + l2 * p.value[i];
    const float m = options.beta1 * p.first_moment[i] + (1.0F - options.beta1) * g;
    const float v = options.beta2 * p.second_moment[i] + (1.0F - options.beta2) * g * g;
    p.first_moment[i] = m;
    p.second_moment[i] = v;
    const float divisor = std::sqrt(v) * rates.second_correction + options.epsilon;
    p.value[i] = shrink * p.value[i] - rates.step_size * m / divisor;
  }
}

}  // namespace

void sgd_step(ThreadPool& pool, const SgdOptions& options, const SgdParameter* parameters,
              std::int64_t num_parameters) {
  for_each_chunk(pool, parameters, num_parameters,
                 [&](const SgdParameter& p, std::int64_t begin, std::int64_t end) {
                   sgd_chunk(options, p, begin, end);
                 });
}

void adam_step(ThreadPool& pool, const AdamOptions& options, std::int64_t step,
               const AdamParameter* parameters, std::int64_t num_parameters) {
  const auto t = static_cast<double>(step);
  const double first = 1.0 - std::pow(static_cast<double>(options.beta1), t);
  const double second = 1.0 - std::pow(static_cast<double>(options.beta2), t);
  const AdamRates rates{static_cast<float>(static_cast<double>(options.learning_rate) / first),
                        static_cast<float>(1.0 / std::sqrt(second))};
  for_each_chunk(pool, parameters, num_parameters,
                 [&](const AdamParameter& p, std::int64_t begin, std::int64_t end) {
                   adam_chunk(options, rates, p, begin, end);
                 });
}

}  // namespace accrete::kernels::cpu
