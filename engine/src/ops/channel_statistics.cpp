// SPDX-License-Identifier: Apache-2.0
#include "ops/channel_statistics.h"
#include "call_functions.h"

namespace accrete {
namespace {

class InverseDeviation final : public Op {
 public:
  explicit InverseDeviation(float epsilon) : epsilon_(epsilon) {}
  std::string name() const override { return "inverse_deviation"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[0]};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::inverse_deviation(context.stream, call.inputs[0], epsilon_, call.outputs[0]);
  }

 private:
  float epsilon_;
};

}  // namespace

std::vector<TensorType> statistics_types(std::int64_t channels) {
  return std::vector<TensorType>(3, TensorType{channel_vector(channels), DType::f32});
}

kernels::StatisticsOutput statistics_output(const TensorView* outputs, float epsilon) {
  return {outputs[0], outputs[1], outputs[2], epsilon};
}

std::vector<TensorType> ChannelStatisticsOp::infer(const std::vector<TensorType>& inputs) const {
  return statistics_types(inputs[0].shape.c);
}

std::size_t ChannelStatisticsOp::workspace_bytes(const std::vector<TensorType>& inputs,
                                                 Device device) const {
  return kernels::norm_relu_workspace_bytes(inputs[0].shape, device);
}

void ChannelStatisticsOp::run(const RunContext& context, const OpCall& call) const {
  kernels::channel_statistics(context.stream, call.inputs[0],
                              statistics_output(call.outputs, epsilon_), call.workspace);
}

ChannelStatistics add_channel_statistics(Graph& graph, const std::string& name, ValueId x,
                                         float epsilon) {
  const auto outputs = graph.add_node(name, std::make_shared<ChannelStatisticsOp>(epsilon), {x});
  return {outputs[0], outputs[1], outputs[2], epsilon};
}

std::shared_ptr<const Op> make_inverse_deviation(float epsilon) {
  return std::make_shared<InverseDeviation>(epsilon);
}

}  // namespace accrete
