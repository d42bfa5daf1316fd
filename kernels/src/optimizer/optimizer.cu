// SPDX-License-Identifier: Apache-2.0
// Parameter updates: one launch, whose arguments hold a table of all parameters.
#include "accrete/kernels/optimizer.h"

#include <cmath>

#include "cuda/bf16.cuh"
#include "cuda/launch.cuh"
#include "optimizer/adam_factors.h"

namespace accrete::kernels::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::int64_t kChunk = 2048;  // elements of a block

// Kernel arguments may have 32,764 bytes (CUDA 12.1, compute capability 7.0 and up); 512 are left
// for the rest of them. Networks with more parameters take another launch.
template <class Parameter>
constexpr int kTableSize = static_cast<int>((32764 - 512) /
                                            (sizeof(Parameter) + sizeof(std::uint32_t)));

template <class Parameter>
struct Table {
  int size;
  Parameter parameters[kTableSize<Parameter>];
  std::uint32_t end_chunk[kTableSize<Parameter>];  // of parameters[0] to [i] together

  // Index of the parameter that a chunk belongs to.
  __device__ int owner(std::uint32_t chunk) const {
    int low = 0;
    int high = size - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (chunk < end_chunk[middle]) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
};

// loss null or finite: go on.
__device__ __forceinline__ bool may_update(const float* loss) {
  return loss == nullptr || fabsf(*loss) < INFINITY;
}

struct Sgd {
  SgdOptions options;

  __device__ float operator()(const SgdParameter& parameter, std::int64_t i) const {
    const float old = parameter.value[i];
    float g = __fmaf_rn(parameter.weight_decay, old, parameter.gradient[i]);
    if (options.momentum != 0.0F) {
      const float buffer = __fmaf_rn(options.momentum, parameter.momentum[i], g);
      parameter.momentum[i] = buffer;
      g = options.nesterov ? __fmaf_rn(options.momentum, buffer, g) : buffer;
    }
    return __fmaf_rn(-options.learning_rate, g, old);
  }
};

struct Adam {
  AdamFactors k;
  float learning_rate;
  bool decoupled;

  __device__ float operator()(const AdamParameter& parameter, std::int64_t i) const {
    const float old = parameter.value[i];
    const float l2 = decoupled ? 0.0F : parameter.weight_decay;
    const float shrink = decoupled ? 1.0F - learning_rate * parameter.weight_decay : 1.0F;
    const float g = __fmaf_rn(l2, old, parameter.gradient[i]);
    const float m = __fmaf_rn(k.beta1, parameter.first_moment[i], k.one_minus_beta1 * g);
    const float v = __fmaf_rn(k.beta2, parameter.second_moment[i], k.one_minus_beta2 * g * g);
    parameter.first_moment[i] = m;
    parameter.second_moment[i] = v;
    return old * shrink - k.rate * m / __fmaf_rn(sqrtf(v), k.root_scale, k.epsilon);
  }
};

/// Computes  value[i] = rule(parameter, i) for every element of every parameter, and rounded[i] =
///           bf16(value[i]) where that is wanted; nothing at all if *loss is not finite.
/// Rule      operator()(parameter, i) const: updates the element's state and returns its new value.
///           Sgd and Adam are the formulas of SgdStep and AdamStep (optimizer.h).
/// Operands  the packed arrays [count] of each parameter: value, gradient and state f32, rounded
///           bf16 or null; loss one f32 or null. The table is the kernel's argument: at most 620
///           SgdParameters or 537 AdamParameters.
/// Grid      a block for each chunk of 2048 elements, chunks numbered through the parameters of the
///           table, so that many small ones cost no idle blocks. Table::owner finds the parameter.
/// Threads   256; thread t has every 256th element of the chunk from t on.
/// Shared    none. Limits: none beyond a call's 2^40 elements; they move one by one.
/// Work      per element 12 bytes (SGD), 20 (with momentum) or 28 (Adam), 2 more for rounded; 4, 6
///           (8 with Nesterov) or 16 FLOP.
template <class Rule, class Parameter>
__global__ void __launch_bounds__(kThreads)
    update(Rule rule, const __grid_constant__ Table<Parameter> table, const float* loss) {
  if (!may_update(loss)) {
    return;
  }
  const int owner = table.owner(blockIdx.x);
  const Parameter& parameter = table.parameters[owner];
  const std::uint32_t first_chunk = owner == 0 ? 0 : table.end_chunk[owner - 1];
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x - first_chunk) * kChunk;
  const std::int64_t end = begin + kChunk < parameter.count ? begin + kChunk : parameter.count;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    const float value = rule(parameter, i);
    parameter.value[i] = value;
    if (parameter.rounded != nullptr) {
      parameter.rounded[i] = to_bf16(value).bits;
    }
  }
}

template <class Parameter>
Table<Parameter> make_table(const Parameter* parameters, int count) {
  Table<Parameter> table;
  table.size = count;
  std::uint32_t chunks = 0;
  for (int i = 0; i < count; ++i) {
    table.parameters[i] = parameters[i];
    chunks += static_cast<std::uint32_t>((parameters[i].count + kChunk - 1) / kChunk);
    table.end_chunk[i] = chunks;
  }
  return table;
}

template <class Rule, class Call>
void update_all(const Stream& stream, const Rule& rule, const Call& call) {
  using Parameter = std::decay_t<decltype(*call.parameters)>;
  constexpr int kSize = kTableSize<Parameter>;
  for (std::int64_t first = 0; first < call.count; first += kSize) {
    const std::int64_t rest = call.count - first;
    const auto table =
        make_table(call.parameters + first, static_cast<int>(rest < kSize ? rest : kSize));
    launch(stream, call.kName, &update<Rule, Parameter>,
           {table.end_chunk[table.size - 1], kThreads}, rule, table, call.options.loss);
  }
}

}  // namespace

const char* run(const Stream& stream, const SgdStep& call, const Workspace& /*workspace*/) {
  update_all(stream, Sgd{call.options}, call);
  return "tables";
}

const char* run(const Stream& stream, const AdamStep& call, const Workspace& /*workspace*/) {
  const Adam adam{AdamFactors(call.options, call.step), call.options.learning_rate,
                  call.options.decoupled_weight_decay};
  update_all(stream, adam, call);
  return "tables";
}

}  // namespace accrete::kernels::cuda
