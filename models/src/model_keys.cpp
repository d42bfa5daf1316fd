// SPDX-License-Identifier: Apache-2.0
// The keys of /model, see spec_keys.cpp.
#include <algorithm>
#include <numeric>

#include "spec_keys.h"

namespace accrete::models {
namespace {

using Words = KeyVisitor::Words;

const Words kFamilies = {"densenet", "resnet"};
const Words kInitializers = {"zeros", "ones", "xavier_uniform", "kaiming_fan_out", "linear_fan_in"};
const Words kTransitionPools = {"average", "max"};

// Each block but the first halves the image: the largest has one pixel in the last of so many.
constexpr std::size_t kMostBlocks = 15;
constexpr std::size_t kMostStages = 8;  // each but the first doubles the channels
// Of all blocks or stages; ResNet-1202 is the deepest net published with either family.
constexpr std::int64_t kMostLayers = 1200;

template <class Preset, class Spec>
bool take_preset(const std::vector<Preset>& presets, const std::string& name, Spec& spec) {
  const auto preset = std::find_if(presets.begin(), presets.end(),
                                   [&](const Preset& one) { return one.name == name; });
  if (preset == presets.end()) {
    return false;
  }
  spec = preset->spec;
  return true;
}

Words preset_names() {
  Words names;
  for (const DenseNetPreset& preset : densenet_presets()) {
    names.push_back(preset.name);
  }
  for (const ResNetPreset& preset : resnet_presets()) {
    names.push_back(preset.name);
  }
  return names;
}

// A preset has a family; whoever names one as well must name that.
void visit_family(KeyVisitor& keys, ModelSpec& model) {
  const bool named =
      keys.choice("type", model.family, kFamilies, "family; that of the preset if one is named");
  const Family family = model.family;
  const bool given = keys.string("preset", model.preset, {true, preset_names()},
                                 "a published member, see below; other keys change it");
  if (!given || model.preset.empty()) {
    return;
  }
  model.family = take_preset(densenet_presets(), model.preset, model.densenet) ? Family::densenet
                                                                               : Family::resnet;
  take_preset(resnet_presets(), model.preset, model.resnet);
  keys.require("type", !named || family == model.family,
               "must be \"" + kFamilies[static_cast<std::size_t>(model.family)] +
                   "\", the type of the preset " + model.preset);
}

void require_depth(KeyVisitor& keys, const char* key, const std::vector<std::int64_t>& parts,
                   std::int64_t most, const std::string& what) {
  const std::int64_t sum = std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
  keys.require(key, sum <= most,
               "must be at most " + std::to_string(most) + " " + what + " in all, found " +
                   std::to_string(sum));
}

void visit_densenet(KeyVisitor& keys, DenseNetSpec& net) {
  keys.integers("blocks", net.blocks, {{1, 1000}, kMostBlocks, "blocks", false},
                "layers of each dense block, " + std::to_string(kMostLayers) + " in all at most");
  require_depth(keys, "blocks", net.blocks, kMostLayers, "layers");
  keys.integer("growth_rate", net.growth_rate, {1, 4096}, "channels each layer adds");
  keys.integer("bottleneck_width", net.bottleneck_width, {0, 64},
               "1x1 bottleneck in units of the growth rate; 0: none");
  keys.number("compression", net.compression, {0.01, 1.0},
              "share of channels a transition keeps, rounded down; one at least must be left");
  keys.number("dropout", net.dropout, {0.0, 0.99}, "rate, after every convolution but the first");
  keys.choice("transition_pool", net.transition_pool, kTransitionPools,
              "2x2 pooling of the transitions");
}

void visit_resnet(KeyVisitor& keys, ResNetSpec& net) {
  keys.integers(
      "stages", net.stages, {{1, 1000}, kMostStages, "stages", false},
      "basic blocks of each stage, " + std::to_string(kMostLayers / 2) + " in all at most");
  require_depth(keys, "stages", net.stages, kMostLayers / 2, "blocks, of two layers each,");
  keys.integer("width", net.width, {1, 65536},
               "channels of the first stage, doubled by each further one");
  keys.boolean("shortcut_norm", net.shortcut_norm,
               "batch norm behind the 1x1 projection of a shortcut");
}

void visit_stem(KeyVisitor& keys, StemSpec& stem) {
  keys.integer("channels", stem.channels, {1, 65536}, "its output channels");
  keys.integer("kernel", stem.kernel, {1, 15}, "its window, odd; padding is half of it");
  keys.require("kernel", stem.kernel % 2 == 1, "must be odd, found " + std::to_string(stem.kernel));
  keys.integer("stride", stem.stride, {1, 8}, "its stride");
  keys.boolean("norm_relu", stem.norm_relu, "batch norm and ReLU behind it");
  keys.boolean("max_pool", stem.max_pool, "3x3 max pooling, stride 2, padding 1 behind that");
}

void visit_network(KeyVisitor& keys, NetworkSpec& net) {
  keys.object("stem", "first convolution", [&] { visit_stem(keys, net.stem); });
  keys.boolean("conv_bias", net.conv_bias, "convolutions have biases");
  keys.integer("num_classes", net.num_classes, {1, 10'000'000}, "outputs");
  keys.number("batch_norm_epsilon", net.batch_norm_epsilon, {1e-12, 1.0}, "added to the variance");
  keys.number("batch_norm_momentum", net.batch_norm_momentum, {0.0, 1.0},
              "weight of the new batch in the running statistics");
  keys.choice("conv_initializer", net.conv_initializer, kInitializers,
              "starting values of convolutions, see below");
  keys.choice("linear_initializer", net.linear_initializer, kInitializers,
              "starting values of the classifier, see below");
}

}  // namespace

void visit_model(KeyVisitor& keys, ModelSpec& model) {
  visit_family(keys, model);
  const bool residual = model.family == Family::resnet;
  keys.only("densenet", !residual, [&] { visit_densenet(keys, model.densenet); });
  keys.only("resnet", residual, [&] { visit_resnet(keys, model.resnet); });
  visit_network(keys, residual ? static_cast<NetworkSpec&>(model.resnet) : model.densenet);
  keys.integer("expect_params", model.expect_params, {0, kAny},
               "fail unless the model has this many parameters; 0: do not check");
}

}  // namespace accrete::models
