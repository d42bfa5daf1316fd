// SPDX-License-Identifier: Apache-2.0
// The average pooling op, visible to the pass that moves it in front of a convolution.
#pragma once

#include <memory>

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"

namespace accrete {

/// Input x, with `norm` read through NormRelu: inputs mean, inv_std, gamma, beta.
class AveragePool final : public Op {
 public:
  explicit AveragePool(const ops::PoolAttributes& attributes, bool norm = false)
      : attributes_(attributes), norm_(norm) {}
  std::string name() const override;
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override;
  void run(const RunContext& context, const OpCall& call) const override;
  void backward(BackwardContext& context) const override;
  std::shared_ptr<const Op> with_norm_on_load() const override;

  bool has_padding() const { return attributes_.pad > 0; }

 private:
  ops::PoolAttributes attributes_;
  bool norm_;
};

}  // namespace accrete
