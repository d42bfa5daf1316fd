// SPDX-License-Identifier: Apache-2.0
// Batch normalisation ops, visible to the pass that fuses a ReLU into them.
#pragma once

#include <memory>

#include "accrete/engine/op.h"
#include "accrete/kernels/batch_norm.h"

namespace accrete {

/// Inputs x, gamma, beta, running_mean, running_var. With statistics of the batch the outputs are
/// y, mean and inv_std; with running statistics y alone, and they are constants to the backward
/// pass.
class BatchNorm final : public Op {
 public:
  BatchNorm(const kernels::BatchNormOptions& options, bool batch_statistics)
      : options_(options), batch_statistics_(batch_statistics) {}

  std::string name() const override;
  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  std::size_t workspace_bytes(const std::vector<TensorType>& inputs, Device device) const override;
  void run(const RunContext& context, const OpCall& call) const override;
  void backward(BackwardContext& context) const override;
  std::int64_t bytes_moved(const std::vector<TensorType>& inputs,
                           const std::vector<TensorType>& outputs) const override;
  std::vector<AliasRule> alias_rules() const override;

  bool has_relu() const { return options_.relu; }
  bool has_batch_statistics() const { return batch_statistics_; }
  const kernels::BatchNormOptions& options() const { return options_; }
  std::shared_ptr<const Op> with_relu() const;

 private:
  kernels::BatchNormOptions options_;
  bool batch_statistics_;
};

/// Batch norm whose statistics of the batch are computed apart, with a gradient of its own: inputs
/// x, gamma, beta, mean, inv_std; output y.
std::shared_ptr<const Op> make_batch_norm_normalise(const kernels::BatchNormOptions& options);

}  // namespace accrete
