// SPDX-License-Identifier: Apache-2.0
// The optimizer: which update rule, its state tensors, one call for all parameters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/executor.h"
#include "accrete/engine/parameter_store.h"
#include "accrete/kernels/optimizer.h"

namespace accrete {

enum class OptimizerKind : std::uint8_t { sgd, adam };
/// Which parameters weight decay applies to.
enum class WeightDecayScope : std::uint8_t {
  all,      ///< every parameter, as the DenseNet authors do
  weights,  ///< convolution and linear weights only: no biases, no batch norm
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double learning_rate = 0.1;
  double weight_decay = 0.0;
  WeightDecayScope weight_decay_scope = WeightDecayScope::all;
  double momentum = 0.0;                // sgd
  bool nesterov = false;                // sgd
  double beta1 = 0.9;                   // adam
  double beta2 = 0.999;                 // adam
  double epsilon = 1e-8;                // adam
  bool decoupled_weight_decay = false;  // adam
};

/// Names of the state tensors an optimizer keeps for a parameter, "optimizer.momentum.<name>" and
/// the like; none for plain SGD.
std::vector<std::string> optimizer_state_names(const OptimizerOptions& options,
                                               const std::string& parameter);
/// Adds the state of every parameter in the store to the store.
void add_optimizer_state(const OptimizerOptions& options, ParameterStore& store);

/// Binds parameters, gradients and state of one executor. The store must be bound.
class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, const ParameterStore& store, const Executor& executor);
  /// `step` counts from 1. `loss` is one value in the memory of the stream's device: when it is not
  /// finite, nothing changes. Null: always update.
  void step(const Stream& stream, double learning_rate, std::int64_t step,
            const float* loss = nullptr) const;

 private:
  OptimizerOptions options_;
  std::vector<kernels::SgdParameter> sgd_;
  std::vector<kernels::AdamParameter> adam_;
};

}  // namespace accrete
