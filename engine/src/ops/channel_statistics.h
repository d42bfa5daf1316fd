// SPDX-License-Identifier: Apache-2.0
// Batch statistics as an op of their own.
#pragma once

#include <string>

#include "accrete/engine/op.h"
#include "accrete/kernels/norm_relu.h"

namespace accrete {

/// The types of the three vectors every op that takes statistics has as its last outputs.
std::vector<TensorType> statistics_types(std::int64_t channels);
/// The same as a kernel argument. `outputs` points at the first of the three.
kernels::StatisticsOutput statistics_output(const TensorView* outputs, float epsilon);

/// Input x; outputs mean, variance, inv_std. No gradient passes through: the ops that use the
/// statistics account for it (kernels/norm_relu.h).
class ChannelStatisticsOp final : public Op {
 public:
  explicit ChannelStatisticsOp(float epsilon) : epsilon_(epsilon) {}
  std::string name() const override { return "channel_statistics"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  std::size_t workspace_bytes(const std::vector<TensorType>& inputs, Device device) const override;
  void run(const RunContext& context, const OpCall& call) const override;
  float epsilon() const { return epsilon_; }

 private:
  float epsilon_;
};

ChannelStatistics add_channel_statistics(Graph& graph, const std::string& name, ValueId x,
                                         float epsilon);

/// Input variance; output 1 / sqrt(variance + epsilon), for batch norm with running statistics.
std::shared_ptr<const Op> make_inverse_deviation(float epsilon);

}  // namespace accrete
