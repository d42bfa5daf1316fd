// SPDX-License-Identifier: Apache-2.0
#include "ops/running_statistics.h"
#include "call_functions.h"

#include "accrete/engine/op.h"
#include "accrete/kernels/norm_relu.h"

namespace accrete {
namespace {

constexpr std::size_t kInputsEach = 4;

// What an update needs besides its tensors.
struct Constants {
  std::int64_t pixels;
  float momentum;
};

class UpdateRunningStatistics final : public Op {
 public:
  explicit UpdateRunningStatistics(std::vector<Constants> constants)
      : constants_(std::move(constants)), list_(constants_.size()) {}
  std::string name() const override { return "update_running_statistics"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& /*in*/) const override { return {}; }
  void run(const RunContext& context, const OpCall& call) const override {
    for (std::size_t i = 0; i < constants_.size(); ++i) {
      const TensorView* in = call.inputs + i * kInputsEach;
      list_[i] = {in[0].f32(),   in[1].f32(),          in[2].f32(),           in[3].f32(),
                  in[0].shape.c, constants_[i].pixels, constants_[i].momentum};
    }
    kernels::update_running_statistics(context.stream, list_.data(),
                                       static_cast<std::int64_t>(list_.size()));
  }

 private:
  std::vector<Constants> constants_;
  mutable std::vector<kernels::RunningStatistics> list_;  // scratch: a run allocates nothing
};

}  // namespace

void add_running_statistics(Graph& graph, const std::string& name,
                            const std::vector<RunningUpdate>& updates) {
  std::vector<ValueId> inputs;
  std::vector<Constants> constants;
  for (const RunningUpdate& update : updates) {
    inputs.insert(inputs.end(),
                  {update.mean, update.variance, update.running_mean, update.running_var});
    constants.push_back({update.pixels, update.momentum});
  }
  graph.add_node(name, std::make_shared<UpdateRunningStatistics>(std::move(constants)), inputs);
}

}  // namespace accrete
