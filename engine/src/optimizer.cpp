// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/optimizer.h"

#include "accrete/kernels/error.h"

namespace accrete {
namespace {

std::vector<std::string> state_prefixes(const OptimizerOptions& options) {
  if (options.kind == OptimizerKind::adam) {
    return {"optimizer.first_moment.", "optimizer.second_moment."};
  }
  if (options.momentum != 0.0) {
    return {"optimizer.momentum."};
  }
  return {};
}

float* state_of(const ParameterStore& store, const std::string& name) {
  const StoredTensor* tensor = store.find(name);
  if (tensor == nullptr) {
    throw Error(ErrorCode::internal, "[optimizer] no state tensor " + name + " in the store");
  }
  return tensor->view.f32();
}

std::uint16_t* rounded_copy_of(ValueId parameter, const Executor& executor) {
  const ValueId copy = executor.plan().model.graph.rounded_copy(parameter);
  return copy != kNoValue ? static_cast<std::uint16_t*>(executor.view(copy).data) : nullptr;
}

}  // namespace

std::vector<std::string> optimizer_state_names(const OptimizerOptions& options,
                                               const std::string& parameter) {
  std::vector<std::string> names = state_prefixes(options);
  for (std::string& name : names) {
    name += parameter;
  }
  return names;
}

void add_optimizer_state(const OptimizerOptions& options, ParameterStore& store) {
  const std::vector<StoredTensor> tensors = store.tensors();
  for (const std::string& prefix : state_prefixes(options)) {
    for (const StoredTensor& tensor : tensors) {
      if (tensor.kind == ValueKind::parameter) {
        store.add(prefix + tensor.name, tensor.shape, tensor.role);
      }
    }
  }
}

Optimizer::Optimizer(const OptimizerOptions& options, const ParameterStore& store,
                     const Executor& executor)
    : options_(options) {
  const StepPlan& plan = executor.plan();
  for (const ParameterGradient& pair : plan.gradients) {
    const Value& parameter = plan.model.graph.value(pair.parameter);
    const TensorView& value = executor.view(pair.parameter);
    const float* gradient = executor.view(pair.gradient).f32();
    const bool decays =
        options.weight_decay_scope == WeightDecayScope::all || parameter.role != TensorRole::vector;
    const float decay = decays ? static_cast<float>(options.weight_decay) : 0.0F;
    const auto states = optimizer_state_names(options, parameter.name);
    const std::int64_t count = value.shape.elements();
    std::uint16_t* rounded = rounded_copy_of(pair.parameter, executor);
    if (options.kind == OptimizerKind::adam) {
      adam_.push_back({value.f32(), gradient, state_of(store, states[0]),
                       state_of(store, states[1]), count, decay, rounded});
    } else {
      float* momentum = states.empty() ? nullptr : state_of(store, states[0]);
      sgd_.push_back({value.f32(), gradient, momentum, count, decay, rounded});
    }
  }
}

void Optimizer::step(const Stream& stream, double learning_rate, std::int64_t step,
                     const float* loss) const {
  if (options_.kind == OptimizerKind::adam) {
    const kernels::AdamOptions adam{
        static_cast<float>(learning_rate),  static_cast<float>(options_.beta1),
        static_cast<float>(options_.beta2), static_cast<float>(options_.epsilon),
        options_.decoupled_weight_decay,    loss};
    kernels::run(stream, kernels::AdamStep{adam, step, adam_.data(),
                                           static_cast<std::int64_t>(adam_.size())});
    return;
  }
  const kernels::SgdOptions sgd{static_cast<float>(learning_rate),
                                static_cast<float>(options_.momentum), options_.nesterov, loss};
  kernels::run(stream, kernels::SgdStep{sgd, sgd_.data(), static_cast<std::int64_t>(sgd_.size())});
}

}  // namespace accrete
