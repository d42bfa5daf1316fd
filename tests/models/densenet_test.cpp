// SPDX-License-Identifier: Apache-2.0
// The family against published numbers: parameters, multiply-accumulates, smallest inputs, names.
#include "accrete/models/densenet.h"

#include <set>

#include "accrete/engine/parameter_store.h"
#include "accrete/engine/step_plan.h"
#include "accrete/kernels/error.h"
#include "models/net_facts.h"
#include "support/catch.h"

namespace accrete::models {
namespace {

using Catch::Matchers::Contains;

DenseNetSpec preset(const std::string& name) {
  return spec_of(densenet_presets(), name);
}

std::set<std::string> stored_names(const Graph& graph) {
  std::set<std::string> names;
  const ParameterStore store(graph);
  for (const StoredTensor& tensor : store.tensors()) {
    names.insert(tensor.name);
  }
  return names;
}

struct Published {
  const char* name;
  std::int64_t size, channels, classes;
  std::int64_t parameters;
  double mega_macs;  // conv and linear layers of one image
};

// Bytes of forward values per image at the fullest moment of a training step.
std::int64_t activation_bytes(const std::string& name, const Shape& images, int recompute) {
  const StepPlan plan =
      plan_step(build_densenet(preset(name), {images.n, images.h, images.w, images.c}, true), true,
                {}, Device{}, recompute);
  const MemoryBreakdown sum = memory_breakdown(plan);
  return (sum.feature_buffers + sum.activations) / images.n;
}

}  // namespace

TEST_CASE("parameters and MACs of the published nets") {
  // Parameters: paper, torchvision and the authors' repository; MACs from the architecture.
  const Published nets[] = {
      {"d2l", 96, 1, 10, 758'226, 129.08},
      {"densenet121", 224, 3, 1000, 7'978'856, 2834},
      {"densenet169", 224, 3, 1000, 14'149'480, 3360},
      {"densenet201", 224, 3, 1000, 20'013'928, 4291},
      {"densenet264", 224, 3, 1000, 33'337'704, 5752},
      {"densenet161", 224, 3, 1000, 28'681'000, 7728},
      {"densenet_40_12", 32, 3, 10, 1'019'722, 264.8},
      {"densenet_100_12", 32, 3, 10, 6'979'642, 1769.5},
      {"densenet_100_24", 32, 3, 10, 27'249'082, 6889.3},
      {"densenet_bc_100_12", 32, 3, 10, 769'162, 287.9},
      {"densenet_bc_100_12", 32, 3, 100, 800'032, 287.9},
      {"densenet_bc_250_24", 32, 3, 10, 15'324'406, 5418.8},
      {"densenet_bc_190_40", 32, 3, 10, 25'624'430, 9301.9},
  };
  for (const Published& net : nets) {
    DenseNetSpec spec = preset(net.name);
    spec.num_classes = net.classes;
    const ModelGraph model = build_densenet(spec, {1, net.size, net.size, net.channels}, false);
    INFO(net.name);
    CHECK(ParameterStore(model.graph).num_parameters() == net.parameters);
    CHECK(static_cast<double>(total_macs(model.graph)) / 1e6 ==
          Approx(net.mega_macs).epsilon(5e-4));
  }
}

TEST_CASE("the d2l net without convolution biases") {
  DenseNetSpec spec = preset("d2l");
  spec.conv_bias = false;
  const ModelGraph model = build_densenet(spec, {1, 96, 96, 1}, true);
  CHECK(ParameterStore(model.graph).num_parameters() == 757'322);
  CHECK(total_macs(build_densenet(spec, {1, 224, 224, 1}, false).graph) / 100'000 == 7'027);
}

TEST_CASE("running statistics add what other frameworks count as parameters") {
  const ModelGraph model = build_densenet(preset("densenet121"), {1, 224, 224, 3}, true);
  std::int64_t elements = 0;
  const ParameterStore store(model.graph);
  for (const StoredTensor& tensor : store.tensors()) {
    elements += tensor.shape.elements();
  }
  CHECK(elements == 8'062'504);
}

TEST_CASE("tensor names are torchvision's") {
  const auto names =
      stored_names(build_densenet(preset("densenet121"), {1, 224, 224, 3}, true).graph);
  CHECK(names.size() == 606);
  for (const char* name :
       {"features.conv0.weight", "features.norm0.running_var",
        "features.denseblock1.denselayer1.norm1.weight",
        "features.denseblock4.denselayer16.conv2.weight", "features.transition3.conv.weight",
        "features.transition1.norm.bias", "features.norm5.running_mean", "classifier.bias"}) {
    INFO(name);
    CHECK(names.count(name) == 1);
  }
}

TEST_CASE("training and evaluation graphs have the same tensors") {
  DenseNetSpec spec = preset("densenet_bc_100_12");
  spec.dropout = 0.2;
  CHECK(stored_names(build_densenet(spec, {2, 32, 32, 3}, true).graph) ==
        stored_names(build_densenet(spec, {2, 32, 32, 3}, false).graph));
}

TEST_CASE("images that shrink to nothing are refused before anything is built") {
  CHECK(minimum_image_size(preset("densenet121")) == 29);
  CHECK(minimum_image_size(preset("d2l")) == 29);
  CHECK_NOTHROW(build_densenet(preset("d2l"), {1, 29, 29, 1}, false));
  CHECK_THROWS_WITH(build_densenet(preset("d2l"), {1, 28, 28, 1}, false),
                    Contains("28x28") && Contains("29x29") && Contains("images.height"));
  CHECK_THROWS_WITH(build_densenet(preset("d2l"), {1, 40, 12, 1}, false), Contains("40x12"));
}

TEST_CASE("feature maps of the d2l net") {
  const ModelGraph model = build_densenet(preset("d2l"), {1, 96, 96, 1}, false);
  const auto shape_of = [&](const std::string& name) {
    for (ValueId id = 0; id < model.graph.num_values(); ++id) {
      if (model.graph.value(id).name == name) {
        return model.graph.value(id).type.shape;
      }
    }
    FAIL("no value " << name);
    return Shape{};
  };
  CHECK(shape_of("features.conv0") == Shape{1, 48, 48, 64});
  CHECK(shape_of("features.pool0") == Shape{1, 24, 24, 64});
  CHECK(shape_of("features.denseblock1.denselayer4") == Shape{1, 24, 24, 192});
  CHECK(shape_of("features.transition1.pool") == Shape{1, 12, 12, 96});
  CHECK(shape_of("features.denseblock2.denselayer4") == Shape{1, 12, 12, 224});
  CHECK(shape_of("features.transition2.pool") == Shape{1, 6, 6, 112});
  CHECK(shape_of("features.denseblock4.denselayer4") == Shape{1, 3, 3, 248});
  CHECK(shape_of("classifier") == Shape{1, 1, 1, 10});
}

TEST_CASE("the training step of every ImageNet net copies nothing and plans tightly") {
  const ModelGraph model = build_densenet(preset("densenet121"), {2, 224, 224, 3}, true);
  const StepPlan plan = plan_step(model, true, {}, Device{});
  CHECK(static_cast<double>(plan.memory.peak_bytes) <=
        1.1 * static_cast<double>(plan.memory.lower_bound_bytes));
}

TEST_CASE("activations take what block buffers and raw bottlenecks take, and less if recomputed") {
  CHECK(activation_bytes("densenet121", {8, 224, 224, 3}, 0) <= 32'000'000);
  CHECK(activation_bytes("densenet_bc_100_12", {64, 32, 32, 3}, 0) <= 400'000'000 / 64);
  CHECK(activation_bytes("densenet_bc_190_40", {64, 32, 32, 3}, 0) <= 2'500'000'000 / 64);
  CHECK(activation_bytes("densenet_bc_190_40", {64, 32, 32, 3}, 2) <= 700'000'000 / 64);
}

TEST_CASE("activations and their gradients of DenseNet-121 in bf16 take at most 16 MB per image") {
  constexpr std::int64_t kBatch = 8;
  const ModelGraph model =
      build_densenet(preset("densenet121"), {kBatch, 224, 224, 3, DType::bf16}, true);
  const StepPlan plan = plan_step(model, true, {}, Device{});
  const MemoryBreakdown sum = memory_breakdown(plan);
  CHECK(plan.memory.peak_bytes - sum.parameter_gradients - sum.workspace <= 16'000'000 * kBatch);
}

}  // namespace accrete::models
