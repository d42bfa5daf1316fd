// SPDX-License-Identifier: Apache-2.0
// Parameter updates. All parameters are seen as one long array that is cut into equal chunks: most
// of a network's parameter tensors are too small to be tasks of their own.
#include "accrete/kernels/optimizer.h"

#include <cmath>

#include "cpu/row_tiles.h"
#include "optimizer/adam_factors.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "optimizer/optimizer.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd-inl.h"

#ifndef ACCRETE_KERNELS_CPU_OPTIMIZER_SHARED_
#define ACCRETE_KERNELS_CPU_OPTIMIZER_SHARED_
namespace accrete::kernels::cpu {

// Where the rounded copy of the parameters from `begin` on goes; null: nowhere.
inline Bf16* rounded_copy(std::uint16_t* copy, std::int64_t begin) {
  return copy == nullptr ? nullptr : reinterpret_cast<Bf16*>(copy + begin);
}

}  // namespace accrete::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void sgd_span(const SgdOptions& options, const SgdParameter& parameter, std::int64_t begin,
              std::int64_t count) {
  float* value = parameter.value + begin;
  const float* gradient = parameter.gradient + begin;
  float* momentum = options.momentum != 0.0F ? parameter.momentum + begin : nullptr;
  Bf16* rounded = rounded_copy(parameter.rounded, begin);
  for_each_vector(count, [&](const auto& io, std::int64_t i) ACCRETE_VECTOR_BODY {
    const auto old = io.load(value + i);
    const auto factor = hn::Set(io.d, options.momentum);
    auto g = hn::MulAdd(hn::Set(io.d, parameter.weight_decay), old, io.load(gradient + i));
    if (momentum != nullptr) {
      const auto buffer = hn::MulAdd(factor, io.load(momentum + i), g);
      io.store(buffer, momentum + i);
      g = options.nesterov ? hn::MulAdd(factor, buffer, g) : buffer;
    }
    const auto updated = hn::NegMulAdd(hn::Set(io.d, options.learning_rate), g, old);
    io.store(updated, value + i);
    if (rounded != nullptr) {
      io.store(updated, rounded + i);
    }
  });
}

void adam_span(const AdamFactors& factors, float l2, float shrink, const AdamParameter& parameter,
               std::int64_t begin, std::int64_t count) {
  float* value = parameter.value + begin;
  const float* gradient = parameter.gradient + begin;
  float* first = parameter.first_moment + begin;
  float* second = parameter.second_moment + begin;
  Bf16* rounded = rounded_copy(parameter.rounded, begin);
  for_each_vector(count, [&](const auto& io, std::int64_t i) ACCRETE_VECTOR_BODY {
    const auto d = io.d;
    const auto old = io.load(value + i);
    const auto g = hn::MulAdd(hn::Set(d, l2), old, io.load(gradient + i));
    const auto m = hn::MulAdd(hn::Set(d, factors.beta1), io.load(first + i),
                              hn::Mul(hn::Set(d, factors.one_minus_beta1), g));
    const auto v = hn::MulAdd(hn::Set(d, factors.beta2), io.load(second + i),
                              hn::Mul(hn::Mul(hn::Set(d, factors.one_minus_beta2), g), g));
    io.store(m, first + i);
    io.store(v, second + i);
    const auto root =
        hn::MulAdd(hn::Sqrt(v), hn::Set(d, factors.root_scale), hn::Set(d, factors.epsilon));
    const auto update = hn::Div(hn::Mul(hn::Set(d, factors.rate), m), root);
    const auto updated = hn::MulSub(old, hn::Set(d, shrink), update);
    io.store(updated, value + i);
    if (rounded != nullptr) {
      io.store(updated, rounded + i);
    }
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(sgd_span);
HWY_EXPORT(adam_span);

namespace {

// Calls body(parameter, begin, count) for the spans that make up all parameters.
template <class Parameter, class Body>
void for_each_span(ThreadPool& pool, const Parameter* parameters, std::int64_t num_parameters,
                   const Body& body) {
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < num_parameters; ++i) {
    total += parameters[i].count;
  }
  pool.parallel_for(divide_up(total, kTileElements), [&](std::int64_t task) {
    const std::int64_t begin = task * kTileElements;
    const std::int64_t end = std::min(total, begin + kTileElements);
    std::int64_t start = 0;  // of parameter i in the long array
    for (std::int64_t i = 0; i < num_parameters && start < end; ++i) {
      const std::int64_t next = start + parameters[i].count;
      const std::int64_t from = std::max(begin, start);
      const std::int64_t to = std::min(end, next);
      if (from < to) {
        body(parameters[i], from - start, to - from);
      }
      start = next;
    }
  });
}

// The loss can be read before the update starts.
bool has_diverged(const float* loss) {
  return loss != nullptr && !std::isfinite(*loss);
}

}  // namespace

const char* run(const Stream& stream, const SgdStep& call, const Workspace& /*workspace*/) {
  if (!has_diverged(call.options.loss)) {
    for_each_span(stream.pool(), call.parameters, call.count,
                  [&](const SgdParameter& parameter, std::int64_t begin, std::int64_t count) {
                    HWY_DYNAMIC_DISPATCH(sgd_span)(call.options, parameter, begin, count);
                  });
  }
  return "spans";
}

const char* run(const Stream& stream, const AdamStep& call, const Workspace& /*workspace*/) {
  if (has_diverged(call.options.loss)) {
    return "spans";
  }
  const AdamFactors factors(call.options, call.step);
  const bool decoupled = call.options.decoupled_weight_decay;
  for_each_span(stream.pool(), call.parameters, call.count,
                [&](const AdamParameter& parameter, std::int64_t begin, std::int64_t count) {
                  const float decay = parameter.weight_decay;
                  const float l2 = decoupled ? 0.0F : decay;
                  const float shrink = decoupled ? 1.0F - call.options.learning_rate * decay : 1.0F;
                  HWY_DYNAMIC_DISPATCH(adam_span)
                  (factors, l2, shrink, parameter, begin, count);
                });
  return "spans";
}

}  // namespace accrete::kernels::cpu
#endif
