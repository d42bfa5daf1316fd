// SPDX-License-Identifier: Apache-2.0
// Batch norm as a layer: with statistics of the batch, running ones, or given ones. Node::relu says
// whether a ReLU is part of it.
#include "accrete/kernels/batch_norm.h"

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/kernel_op.h"
#include "ops/norm.h"

namespace accrete {
namespace {

class BatchNormBackward final : public KernelOp<BatchNormBackward> {
 public:
  explicit BatchNormBackward(bool constant_statistics)
      : constant_statistics_(constant_statistics) {}
  std::string name(const Node& /*node*/) const override { return "batch_norm_backward"; }
  void infer(Tensors& tensors) const override {
    plan_gradient_of_x(tensors, tensors[Slot::x].shape);
  }
  kernels::BatchNormBackward call(const Tensors& tensors) const {
    return {.grad_y = tensors[Slot::grad_y],
            .x = tensors[Slot::x],
            .norm = norm_of_x(tensors),
            .relu = tensors.node().relu,
            .constant_statistics = constant_statistics_,
            .grad_x = tensors[Slot::grad_x],
            .mode = tensors.mode(Slot::grad_x),
            .grad_gamma = tensors[Slot::grad_gamma],
            .grad_beta = tensors[Slot::grad_beta]};
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::grad_x, Slot::grad_y}}; }

 private:
  bool constant_statistics_;
};

void contribute_gradients(BackwardContext& context, ValueId mean, ValueId inv_std,
                          bool constant_statistics) {
  const ValueId gamma = context[Slot::gamma];
  const ValueId beta = context[Slot::beta];
  const Operands written = context.contribute(
      context[Slot::x], {.op = std::make_shared<BatchNormBackward>(constant_statistics),
                         .inputs = {{Slot::grad_y, context.plain_gradient(Slot::y)},
                                    {Slot::x, context[Slot::x]},
                                    {Slot::gamma, gamma},
                                    {Slot::beta, beta},
                                    {Slot::mean, mean},
                                    {Slot::inv_std, inv_std}},
                         .outputs = {Slot::grad_x, Slot::grad_gamma, Slot::grad_beta},
                         .relu = context.node().relu});
  context.contribute_value(gamma, {written[Slot::grad_gamma]});
  context.contribute_value(beta, {written[Slot::grad_beta]});
}

// What the three have in common. `Derived` has kName and a call.
template <class Derived>
class BatchNorm : public KernelOp<Derived> {
 public:
  std::string name(const Node& node) const final {
    return std::string(Derived::kName) + (node.relu ? "_relu" : "");
  }
  OpTraits traits() const final { return {.takes_relu = true}; }
  void infer(Tensors& tensors) const final {
    const Shape x = tensors[Slot::x].shape;
    const Shape needed = channel_vector(x.c);
    for (const auto& [slot, value] : tensors.node().inputs.without({Slot::x})) {
      if (tensors[slot].shape != needed) {
        throw Error(ErrorCode::invalid_argument, "[batch_norm] a parameter is " +
                                                     to_string(tensors[slot].shape) + ", x " +
                                                     to_string(x) + " needs " + to_string(needed));
      }
    }
    plan_y(tensors, x);
    tensors.plan(Slot::mean, needed);
    tensors.plan(Slot::inv_std, needed);
  }

 protected:
  std::vector<InPlace> in_place() const final { return {{Slot::y, Slot::x}}; }
  static kernels::BatchNormOptions options(const Node& node) {
    return {node.epsilon, node.momentum, node.relu};
  }
};

class BatchNormTraining final : public BatchNorm<BatchNormTraining> {
 public:
  static constexpr const char* kName = "batch_norm_training";
  kernels::BatchNormTraining call(const Tensors& tensors) const {
    return {.options = options(tensors.node()),
            .x = tensors[Slot::x],
            .gamma = tensors[Slot::gamma],
            .beta = tensors[Slot::beta],
            .running_mean = tensors[Slot::running_mean],
            .running_var = tensors[Slot::running_var],
            .mean = tensors[Slot::mean],
            .inv_std = tensors[Slot::inv_std],
            .y = tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    contribute_gradients(context, context[Slot::mean], context[Slot::inv_std], false);
  }
};

class BatchNormInference final : public BatchNorm<BatchNormInference> {
 public:
  static constexpr const char* kName = "batch_norm_inference";
  kernels::BatchNormInference call(const Tensors& tensors) const {
    return {.options = options(tensors.node()),
            .x = tensors[Slot::x],
            .gamma = tensors[Slot::gamma],
            .beta = tensors[Slot::beta],
            .running_mean = tensors[Slot::running_mean],
            .running_var = tensors[Slot::running_var],
            .y = tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    const Operands added = context.add_side_node(
        ".inv_std", inverse_deviation({}, context[Slot::running_var], context.node().epsilon));
    contribute_gradients(context, context[Slot::running_mean], added[Slot::inv_std], true);
  }
};

class BatchNormNormalise final : public BatchNorm<BatchNormNormalise> {
 public:
  static constexpr const char* kName = "batch_norm_normalise";
  kernels::BatchNormNormalise call(const Tensors& tensors) const {
    return {tensors[Slot::x], norm_of_x(tensors), tensors.node().relu, tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    contribute_gradients(context, context[Slot::mean], context[Slot::inv_std], false);
  }
};

Node batch_norm(const std::string& name, std::shared_ptr<const Op> op, ValueId x,
                const ops::BatchNormParameters& parameters,
                const kernels::BatchNormOptions& options) {
  return {.name = name,
          .op = std::move(op),
          .inputs = {{Slot::x, x},
                     {Slot::gamma, parameters.gamma},
                     {Slot::beta, parameters.beta},
                     {Slot::running_mean, parameters.running_mean},
                     {Slot::running_var, parameters.running_var}},
          .outputs = {Slot::y},
          .epsilon = options.epsilon,
          .momentum = options.momentum,
          .relu = options.relu};
}

}  // namespace

ValueId add_batch_norm_normalise(Graph& graph, const std::string& name, const Operands& inputs,
                                 bool relu) {
  return graph.add_node({.name = name,
                         .op = std::make_shared<BatchNormNormalise>(),
                         .inputs = inputs,
                         .outputs = {Slot::y},
                         .relu = relu})[Slot::y];
}

ValueId ops::batch_norm_training(Graph& graph, const std::string& name, ValueId x,
                                 const BatchNormParameters& parameters,
                                 const kernels::BatchNormOptions& options) {
  Node node = batch_norm(name, std::make_shared<BatchNormTraining>(), x, parameters, options);
  node.outputs = {Slot::y, Slot::mean, Slot::inv_std};
  return graph.add_node(std::move(node))[Slot::y];
}

ValueId ops::batch_norm_inference(Graph& graph, const std::string& name, ValueId x,
                                  const BatchNormParameters& parameters,
                                  const kernels::BatchNormOptions& options) {
  return graph.add_node(
      batch_norm(name, std::make_shared<BatchNormInference>(), x, parameters, options))[Slot::y];
}

}  // namespace accrete
