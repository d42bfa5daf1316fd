// SPDX-License-Identifier: Apache-2.0
// Residual networks: published numbers, names, and what the passes make of a basic block.
#include "accrete/models/resnet.h"

#include <map>
#include <set>

#include "accrete/engine/parameter_store.h"
#include "accrete/engine/step_plan.h"
#include "models/net_facts.h"
#include "support/catch.h"

namespace accrete::models {
namespace {

ResNetSpec preset(const std::string& name) {
  return spec_of(resnet_presets(), name);
}

std::map<std::string, Shape> stored_shapes(const ModelGraph& model) {
  std::map<std::string, Shape> shapes;
  const ParameterStore store(model.graph);
  for (const StoredTensor& tensor : store.tensors()) {
    shapes[tensor.name] = tensor.shape;
  }
  return shapes;
}

std::map<std::string, int> op_counts(const Graph& graph) {
  std::map<std::string, int> counts;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    ++counts[graph.node(id).op_name()];
  }
  return counts;
}

std::set<std::string> notes_of(const StepPlan& plan, const std::string& pass) {
  for (const PassReport& report : plan.passes) {
    if (report.name == pass) {
      return {report.notes.begin(), report.notes.end()};
    }
  }
  FAIL("no pass " << pass);
  return {};
}

}  // namespace

TEST_CASE("parameters and MACs of the published residual nets") {
  struct Published {
    const char* name;
    std::int64_t size, channels, parameters;
    double mega_macs;
  };
  // Parameters: torchvision, and the chapter's net in PyTorch; MACs from the architecture.
  for (const Published& net : {Published{"resnet18", 224, 3, 11'689'512, 1814.1},
                               {"resnet34", 224, 3, 21'797'672, 3663.8},
                               {"resnet18_d2l", 96, 1, 11'178'378, 318.66}}) {
    INFO(net.name);
    const ModelGraph model =
        build_resnet(preset(net.name), {1, net.size, net.size, net.channels}, false);
    CHECK(ParameterStore(model.graph).num_parameters() == net.parameters);
    CHECK(static_cast<double>(total_macs(model.graph)) / 1e6 ==
          Approx(net.mega_macs).epsilon(5e-4));
  }
}

TEST_CASE("tensor names of a residual net are torchvision's") {
  const auto shapes = stored_shapes(build_resnet(preset("resnet18"), {1, 64, 64, 3}, true));
  CHECK(shapes.size() == 102);  // 62 parameters, 40 running statistics
  CHECK(shapes.at("conv1.weight") == Shape{64, 7, 7, 3});
  CHECK(shapes.at("bn1.running_var") == channel_vector(64));
  CHECK(shapes.at("layer1.0.conv2.weight") == Shape{64, 3, 3, 64});
  CHECK(shapes.at("layer2.0.downsample.0.weight") == Shape{128, 1, 1, 64});
  CHECK(shapes.at("layer2.0.downsample.1.running_mean") == channel_vector(128));
  CHECK(shapes.at("layer4.1.bn2.bias") == channel_vector(512));
  CHECK(shapes.at("fc.weight") == Shape{1000, 1, 1, 512});
  CHECK(shapes.count("layer1.0.downsample.0.weight") == 0);
  CHECK(stored_shapes(build_resnet(preset("resnet18"), {2, 64, 64, 3}, false)) == shapes);
  const auto chapter = stored_shapes(build_resnet(preset("resnet18_d2l"), {1, 96, 96, 1}, true));
  CHECK(chapter.count("layer2.0.downsample.0.bias") == 1);
  CHECK(chapter.count("layer2.0.downsample.1.weight") == 0);
}

TEST_CASE("images of every size fit a residual net") {
  const ModelGraph model = build_resnet(preset("resnet18"), {1, 1, 3, 3}, true);
  CHECK(model.graph.value(model.loss).type.shape == Shape{1, 1, 1, 1});
}

TEST_CASE("what the passes do with basic blocks, and why not more") {
  const StepPlan plan =
      plan_step(build_resnet(preset("resnet18"), {2, 64, 64, 3}, true), true, {}, Device{});
  const auto counts = op_counts(plan.model.graph);
  const auto count = [&](const char* name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  };
  // Every convolution takes the statistics of what it writes: the second of each block while it
  // reads through the norm of the first.
  CHECK(count("norm_relu+conv_forward+statistics") == 8);
  CHECK(count("conv_forward+statistics") == 12);  // stem, first convolutions, projections
  CHECK(count("norm_relu+max_pool_forward") == 1);
  CHECK(count("channel_statistics") == 0);
  // The gradient of the first convolution of a block and of the stem is deferred.
  CHECK(count("conv_dgrad+norm_relu") == 8);
  CHECK(count("deferred+conv_dgrad") == 8);
  CHECK(count("deferred+conv_wgrad") == 9);
  CHECK(count("apply_deferred_gradient") == 0);
  // What is left: the norms in front of the sums, and the ReLUs behind them.
  CHECK(count("batch_norm_normalise") == 11);
  CHECK(count("batch_norm_backward") == 11);
  CHECK(count("relu_forward") == 8);
  CHECK(count("relu_backward") == 8);
  std::set<std::string> relus;
  std::set<std::string> expected;
  for (const std::string stage : {"layer1", "layer2", "layer3", "layer4"}) {
    for (const std::string block : {".0", ".1"}) {
      expected.insert(stage + block + ".bn2: makes passes of its own, no ReLU follows it");
      relus.insert(stage + block + ".relu: makes a pass of its own, it follows add");
    }
    if (stage != "layer1") {
      expected.insert(stage + ".0.downsample.1: makes passes of its own, no ReLU follows it");
    }
  }
  CHECK(notes_of(plan, "fuse-batch-norm-relu") == relus);
  CHECK(notes_of(plan, "statistics-once") == expected);
  for (const char* pass : {"normalise-on-load", "statistics-in-epilogue"}) {
    CHECK(notes_of(plan, pass).empty());
  }
}

}  // namespace accrete::models
