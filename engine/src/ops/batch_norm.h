// SPDX-License-Identifier: Apache-2.0
// Batch normalisation ops, visible to the pass that fuses a ReLU into them.
#pragma once

#include <memory>

#include "accrete/engine/op.h"
#include "accrete/kernels/batch_norm.h"

namespace accrete {

/// Inputs x, gamma, beta, running_mean, running_var. Training outputs: y, mean, inv_std of the
/// batch; inference output: y.
class BatchNorm final : public Op {
 public:
  BatchNorm(const kernels::BatchNormOptions& options, bool training)
      : options_(options), training_(training) {}

  std::string name() const override;
  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  std::size_t workspace_bytes(const std::vector<TensorType>& inputs, Device device) const override;
  void run(const RunContext& context, const OpCall& call) const override;
  void backward(BackwardContext& context) const override;
  std::int64_t bytes_moved(const std::vector<TensorType>& inputs,
                           const std::vector<TensorType>& outputs) const override;
  std::vector<AliasRule> alias_rules() const override;

  bool has_relu() const { return options_.relu; }
  bool is_training() const { return training_; }
  const kernels::BatchNormOptions& options() const { return options_; }
  std::shared_ptr<const Op> with_relu() const;

 private:
  kernels::BatchNormOptions options_;
  bool training_;
};

}  // namespace accrete
