// SPDX-License-Identifier: Apache-2.0
// Rewrites of the forward graph: what they leave of batch norm, ReLU and concat in a step, where
// they stand back and what they say then, and that no combination of them changes what is learned
// beyond rounding.
#include "accrete/engine/passes.h"

#include <algorithm>
#include <map>
#include <set>

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 4;

StepPlan planned(const ModelGraph& model, const PassSwitches& switches = {}) {
  return plan_step(model, true, switches, Device{});
}

// Names of the ops that a step runs.
std::multiset<std::string> op_names(const StepPlan& plan) {
  std::multiset<std::string> names;
  const Graph& graph = plan.model.graph;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    names.insert(graph.node(id).op_name());
  }
  return names;
}

std::string notes_of(const StepPlan& plan) {
  std::string text;
  for (const PassReport& report : plan.passes) {
    for (const std::string& note : report.notes) {
      text += report.name + ": " + note + "\n";
    }
  }
  return text;
}

PassSwitches only(const std::set<std::string>& wanted) {
  PassSwitches switches;
  for (const PassInfo& pass : all_passes()) {
    if (wanted.count(pass.name) == 0) {
      switches.disable(pass.name);
    }
  }
  return switches;
}

TinyDenseNet bottleneck_net() {
  TinyDenseNet net;
  net.bottleneck = true;
  return net;
}

std::vector<float> trained(const ModelBuilder& builder, const PassSwitches& passes) {
  TinySession tiny(builder, kBatch, passes);
  for (std::int64_t step = 0; step < 3; ++step) {
    tiny.step(0.1, step);
  }
  return tiny.stored_values();
}

}  // namespace

TEST_CASE("no batch norm and no ReLU is left in the step of a DenseNet") {
  for (const TinyDenseNet& net : {TinyDenseNet{}, bottleneck_net()}) {
    const StepPlan plan = planned(build_tiny_densenet(net, kBatch, true));
    for (const std::string& name : op_names(plan)) {
      INFO(name);
      CHECK(name.rfind("batch_norm", 0) != 0);
      CHECK(name.rfind("relu", 0) != 0);
      CHECK(name != "norm_relu");
      CHECK(name != "norm_relu_backward");
      CHECK(name != "channel_statistics");
      CHECK(name != "apply_deferred_gradient");
    }
    CHECK(notes_of(plan) == "");
  }
}

TEST_CASE("a feature's statistics are computed once for all its readers") {
  TinyDenseNet net;
  net.layers = 5;
  const StepPlan plan = planned(build_tiny_densenet(net, kBatch, true),
                                only({"fuse-batch-norm-relu", "statistics-once"}));
  // Stem, five layers and the transition; seven batch norms read them, six times all before them.
  CHECK(op_names(plan).count("channel_statistics") == 7);
  CHECK(op_names(plan).count("norm_relu") == 7);
  CHECK(op_names(plan).count("update_running_statistics") == 1);
}

TEST_CASE("passes give parts to nodes and leave their ops alone") {
  const ModelGraph model = build_tiny_densenet(bottleneck_net(), kBatch, true);
  const auto ops_of_convs = [](const Graph& graph) {
    std::map<std::string, const Op*> ops;
    for (NodeId id = 0; id < graph.num_nodes(); ++id) {
      const Node& node = graph.node(id);
      if (node.inputs.has(Slot::weight) && node.outputs.has(Slot::y)) {
        ops[node.name] = node.op.get();
      }
    }
    return ops;
  };
  const auto before = ops_of_convs(model.graph);
  const auto after = ops_of_convs(plan_step(model, true, {}, Device{}, 1).model.graph);
  CHECK(before.size() == 9);  // stem, two for each of three layers, transition, classifier
  CHECK(after.size() == 12);  // and the bottlenecks again
  for (const auto& [name, op] : after) {
    INFO(name);
    CHECK(before.at(name.substr(0, name.find(".again"))) == op);
  }
}

TEST_CASE("average pooling moves in front of a 1x1 convolution") {
  const ModelGraph model = build_tiny_densenet({}, kBatch, true);
  const StepPlan plan = planned(model, only({"pool-first"}));
  const Graph& graph = plan.model.graph;
  NodeId pool = kNoNode;
  NodeId conv = kNoNode;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    pool = graph.node(id).op_name() == "average_pool_forward" ? id : pool;
    conv = graph.node(id).name == "transition.conv" ? id : conv;
  }
  CHECK(pool < conv);
  CHECK(graph.value(graph.node(conv).outputs[Slot::y]).type.shape == Shape{kBatch, 3, 3, 6});
}

TEST_CASE("in evaluation running statistics are applied on load") {
  const StepPlan plan =
      plan_step(build_tiny_densenet(bottleneck_net(), kBatch, false), false, {}, Device{});
  for (const std::string& name : op_names(plan)) {
    INFO(name);
    CHECK(name.rfind("batch_norm", 0) != 0);
    CHECK(name != "norm_relu");
  }
}

TEST_CASE("on a GPU both gradients of a convolution that normalises on load are one node") {
  const Device gpu{DeviceKind::cuda, 0};
  const ModelGraph model = build_tiny_densenet(bottleneck_net(), kBatch, true);
  PassSwitches apart;
  apart.disable("paired-gradients");
  for (const int level : {0, 1, 2}) {
    INFO("level " << level);
    const auto names = op_names(plan_step(model, true, {}, gpu, level));
    // Three layers of two convolutions; the stem and the one behind the pool have no norm.
    CHECK(names.count("deferred+conv_backward+norm_relu") == 6);
    CHECK(names.count("deferred+conv_dgrad+norm_relu") == 0);
    CHECK(names.count("deferred+conv_wgrad+norm_relu") == 0);
    const auto separate = op_names(plan_step(model, true, apart, gpu, level));
    CHECK(separate.count("deferred+conv_backward+norm_relu") == 0);
    CHECK(separate.count("deferred+conv_dgrad+norm_relu") == 6);
    CHECK(separate.size() == names.size() + 6);
  }
  CHECK(op_names(planned(model)).count("deferred+conv_backward+norm_relu") == 0);
}

TEST_CASE("paired gradients are outputs of the step and keep their layout") {
  const StepPlan plan = plan_step(build_tiny_densenet(bottleneck_net(), kBatch, true), true, {},
                                  {DeviceKind::cuda, 0});
  const Graph& graph = plan.model.graph;
  int weights = 0;
  for (const ParameterGradient& pair : plan.gradients) {
    CHECK(graph.is_output(pair.gradient));
    CHECK(graph.value(pair.gradient).type.shape == graph.value(pair.parameter).type.shape);
    const Node& node = graph.node(graph.value(pair.gradient).producer);
    if (node.op_name() == "deferred+conv_backward+norm_relu" &&
        pair.gradient == node.outputs[Slot::grad_weight]) {
      ++weights;
      const ValueId data = node.outputs[Slot::grad_x];
      REQUIRE(plan.twins[data] != kNoValue);
      CHECK(graph.value(plan.twins[data]).type.shape == graph.value(data).type.shape);
    }
  }
  CHECK(weights == 6);
}

TEST_CASE("gradients that are known to be zero share one fill") {
  const ModelBuilder builder = tiny_densenet(bottleneck_net());
  PassSwitches apart;
  apart.disable("zero-once");
  // Six convolutions of the layers, the stem, the transition.
  CHECK(op_names(planned(builder(kBatch, true), apart)).count("zero_gradient") == 8);
  const StepPlan plan = planned(builder(kBatch, true));
  CHECK(op_names(plan).count("zero_gradient") == 1);
  const Graph& graph = plan.model.graph;
  std::set<StorageId> storages;
  for (const ParameterGradient& pair : plan.gradients) {
    CHECK(graph.is_output(pair.gradient));
    CHECK(graph.value(pair.gradient).type.shape == graph.value(pair.parameter).type.shape);
    const Node& node = graph.node(graph.value(pair.gradient).producer);
    if (node.op_name() == "channel_slice") {
      CHECK(is_free(plan, node));
      storages.insert(plan.placement.places[static_cast<std::size_t>(pair.gradient)].storage);
    }
  }
  CHECK(storages.size() == 1);
}

TEST_CASE("parameters whose gradients share one fill learn as with fills of their own") {
  const ModelBuilder builder = tiny_densenet(bottleneck_net());
  PassSwitches apart;
  apart.disable("zero-once");
  OptimizerOptions optimizer;
  optimizer.momentum = 0.9;
  optimizer.weight_decay = 0.1;
  TinySession together(builder, kBatch, {}, 1, optimizer);
  TinySession separate(builder, kBatch, apart, 1, optimizer);
  for (std::int64_t step = 0; step < 3; ++step) {
    together.step(0.1, step);
    separate.step(0.1, step);
  }
  CHECK(together.stored_values() == separate.stored_values());
}

TEST_CASE("passes take what they can of a residual net and say why not the rest") {
  const StepPlan plan = planned(build_tiny_resnet(kBatch, true));
  CHECK_THAT(notes_of(plan), Catch::Matchers::Contains("readers"));
  CHECK(op_names(plan).count("norm_relu+conv_forward") +
            op_names(plan).count("norm_relu+conv_forward+statistics") >=
        2);
}

TEST_CASE("the statistics of a batch norm without ReLU are taken by its convolution") {
  const StepPlan plan = planned(build_tiny_basic_blocks(kBatch, true));
  const auto names = op_names(plan);
  CHECK(names.count("channel_statistics") == 0);
  CHECK(names.count("batch_norm_training") == 0);
  CHECK(names.count("batch_norm_normalise") == 3);
  CHECK(names.count("batch_norm_backward") == 3);
  // Stem, first convolutions, projection; second convolutions, which read through the first norm.
  CHECK(names.count("conv_forward+statistics") == 4);
  CHECK(names.count("norm_relu+conv_forward+statistics") == 2);
  CHECK(names.count("deferred+conv_wgrad") == 3);  // stem, first convolutions
  CHECK_THAT(notes_of(plan), Catch::Matchers::Contains("block8.norm3: makes passes of its own, no "
                                                       "ReLU follows it"));
}

TEST_CASE("batch norms that differ in epsilon share no statistics") {
  ModelGraph model = build_tiny_densenet({}, kBatch, true);
  Graph& graph = model.graph;
  const ValueId x = graph.add_input("x", {{kBatch, 4, 4, 3}, DType::f32});
  const auto norm = [&](const std::string& name, float epsilon) {
    const Shape vector = channel_vector(3);
    const ops::BatchNormParameters p{
        graph.add_parameter(name + ".weight", vector, Initializer::ones, TensorRole::vector),
        graph.add_parameter(name + ".bias", vector, Initializer::zeros, TensorRole::vector),
        graph.add_state(name + ".running_mean", vector, Initializer::zeros),
        graph.add_state(name + ".running_var", vector, Initializer::ones)};
    kernels::BatchNormOptions options;
    options.epsilon = epsilon;
    return ops::relu(graph, name + ".relu", ops::batch_norm_training(graph, name, x, p, options));
  };
  norm("a", 1e-5F);
  norm("b", 1e-3F);
  std::vector<PassReport> reports;
  const ModelGraph rewritten = rewrite_forward(model, {}, reports);
  int untouched = 0;
  for (NodeId id = 0; id < rewritten.graph.num_nodes(); ++id) {
    untouched += rewritten.graph.node(id).op_name() == "batch_norm_training_relu" ? 1 : 0;
  }
  CHECK(untouched == 2);
}

TEST_CASE("no combination of passes changes what is learned") {
  const std::vector<std::set<std::string>> combinations = {
      {},
      {"fuse-batch-norm-relu"},
      {"fuse-batch-norm-relu", "placement", "in-place"},
      {"fuse-batch-norm-relu", "pool-first"},
      {"fuse-batch-norm-relu", "statistics-once", "placement"},
      {"fuse-batch-norm-relu", "statistics-once", "normalise-on-load"},
      {"fuse-batch-norm-relu", "statistics-once", "statistics-in-epilogue", "in-place"},
      {"fuse-batch-norm-relu", "statistics-once", "deferred-gradient", "placement", "in-place"},
      {"fuse-batch-norm-relu", "statistics-once", "normalise-on-load", "deferred-gradient"}};
  std::vector<ModelBuilder> builders = {tiny_densenet({}), tiny_densenet(bottleneck_net()),
                                        build_tiny_resnet, build_tiny_basic_blocks};
  TinyDenseNet dropout;
  dropout.dropout = 0.2F;
  builders.push_back(tiny_densenet(dropout));
  TinyDenseNet list = bottleneck_net();
  list.style = ConcatStyle::list;
  builders.push_back(tiny_densenet(list));
  for (std::size_t b = 0; b < builders.size(); ++b) {
    const std::vector<float> fused = trained(builders[b], {});
    for (const auto& passes : combinations) {
      std::string names;
      for (const std::string& name : passes) {
        names += name + " ";
      }
      INFO("model " << b << ", passes " << names);
      const std::vector<float> plain = trained(builders[b], only(passes));
      CHECK(difference(fused, {plain.begin(), plain.end()}, {2e-5, 2e-4}) == "");
    }
  }
}

TEST_CASE("copies of a dense block are still none with all passes") {
  for (const ConcatStyle style : {ConcatStyle::chain, ConcatStyle::list}) {
    TinyDenseNet net = bottleneck_net();
    net.style = style;
    TinySession tiny(tiny_densenet(net), kBatch);
    tiny.step(0.1, 0);
    CHECK(tiny.session.bytes_copied() == 0);
  }
}

}  // namespace accrete::test
