// SPDX-License-Identifier: Apache-2.0
// The ReLU op, visible to the pass that fuses it into a batch norm.
#pragma once

#include "accrete/engine/op.h"

namespace accrete {

class Relu final : public Op {
 public:
  std::string name() const override { return "relu_forward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  void run(const RunContext& context, const OpCall& call) const override;
  void backward(BackwardContext& context) const override;
  std::vector<AliasRule> alias_rules() const override;
};

}  // namespace accrete
