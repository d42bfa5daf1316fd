// SPDX-License-Identifier: Apache-2.0
#include "model_json.h"

#include <limits>
#include <numeric>

#include "accrete/engine/json_text.h"
#include "spec_limits.h"
#include "spec_names.h"

namespace accrete::models {
namespace {

using Json = nlohmann::ordered_json;

// The preset of this name goes into `spec`, if there is one; otherwise the names into `names`.
template <class Preset, class Spec>
bool find_preset(const std::vector<Preset>& presets, const std::string& name, Spec& spec,
                 std::string& names) {
  for (const Preset& preset : presets) {
    if (preset.name == name) {
      spec = preset.spec;
      return true;
    }
    names += names.empty() ? preset.name : ", " + preset.name;
  }
  return false;
}

void read_preset(JsonReader& reader, ModelSpec& model) {
  reader.string("preset", model.preset);
  std::string names;
  if (model.preset.empty()) {
    return;
  }
  if (find_preset(densenet_presets(), model.preset, model.densenet, names)) {
    model.family = Family::densenet;
  } else if (find_preset(resnet_presets(), model.preset, model.resnet, names)) {
    model.family = Family::resnet;
  } else {
    reader.fail("preset", "must be one of " + names + ", found \"" + excerpt(model.preset) + "\"");
  }
}

// A preset has a family; whoever names one as well must name that.
void read_family(JsonReader& reader, ModelSpec& model) {
  const Family of_preset = model.family;
  reader.choice("type", kFamilyNames, model.family);
  if (!model.preset.empty() && model.family != of_preset) {
    reader.fail("type", "must be \"" + name_of(kFamilyNames, of_preset) +
                            "\", the type of the preset " + model.preset);
  }
}

void read_stem(JsonReader reader, StemSpec& stem) {
  reader.integer("channels", stem.channels, 1, 65536);
  reader.integer("kernel", stem.kernel, 1, 15);
  reader.integer("stride", stem.stride, 1, 8);
  reader.boolean("norm_relu", stem.norm_relu);
  reader.boolean("max_pool", stem.max_pool);
  reader.finish();
  if (stem.kernel % 2 == 0) {
    reader.fail("kernel", "must be odd, found " + std::to_string(stem.kernel));
  }
}

void check_depth(const JsonReader& reader, const char* key, const std::vector<std::int64_t>& parts,
                 std::int64_t most, const char* what) {
  const std::int64_t sum = std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
  if (sum > most) {
    reader.fail(key, "must be at most " + std::to_string(most) + " " + what + " in all, found " +
                         std::to_string(sum));
  }
}

void read_densenet(JsonReader& reader, DenseNetSpec& net) {
  reader.integers("blocks", net.blocks, 1, 1000, kMostBlocks, "blocks");
  check_depth(reader, "blocks", net.blocks, kMostLayers, "layers");
  reader.integer("growth_rate", net.growth_rate, 1, 4096);
  reader.integer("bottleneck_width", net.bottleneck_width, 0, 64);
  reader.number("compression", net.compression, 0.01, 1.0);
  reader.number("dropout", net.dropout, 0.0, 0.99);
  reader.choice("transition_pool", kTransitionPoolNames, net.transition_pool);
}

void read_resnet(JsonReader& reader, ResNetSpec& net) {
  reader.integers("stages", net.stages, 1, 1000, kMostStages, "stages");
  check_depth(reader, "stages", net.stages, kMostLayers / 2, "blocks, of two layers each,");
  reader.integer("width", net.width, 1, 65536);
  reader.boolean("shortcut_norm", net.shortcut_norm);
}

void read_network(JsonReader& reader, NetworkSpec& net) {
  read_stem(reader.object("stem"), net.stem);
  reader.boolean("conv_bias", net.conv_bias);
  reader.integer("num_classes", net.num_classes, 1, 10'000'000);
  reader.number("batch_norm_epsilon", net.batch_norm_epsilon, 1e-12, 1.0);
  reader.number("batch_norm_momentum", net.batch_norm_momentum, 0.0, 1.0);
  reader.choice("conv_initializer", kInitializerNames, net.conv_initializer);
  reader.choice("linear_initializer", kInitializerNames, net.linear_initializer);
}

Json densenet_json(const DenseNetSpec& net) {
  return {{"blocks", net.blocks},
          {"growth_rate", net.growth_rate},
          {"bottleneck_width", net.bottleneck_width},
          {"compression", net.compression},
          {"dropout", net.dropout},
          {"transition_pool", name_of(kTransitionPoolNames, net.transition_pool)}};
}

Json resnet_json(const ResNetSpec& net) {
  return {{"stages", net.stages}, {"width", net.width}, {"shortcut_norm", net.shortcut_norm}};
}

Json network_json(const NetworkSpec& net) {
  Json json;
  json["stem"] = {{"channels", net.stem.channels},
                  {"kernel", net.stem.kernel},
                  {"stride", net.stem.stride},
                  {"norm_relu", net.stem.norm_relu},
                  {"max_pool", net.stem.max_pool}};
  json.update({{"conv_bias", net.conv_bias},
               {"num_classes", net.num_classes},
               {"batch_norm_epsilon", net.batch_norm_epsilon},
               {"batch_norm_momentum", net.batch_norm_momentum},
               {"conv_initializer", name_of(kInitializerNames, net.conv_initializer)},
               {"linear_initializer", name_of(kInitializerNames, net.linear_initializer)}});
  return json;
}

}  // namespace

void read_model(JsonReader reader, ModelSpec& model) {
  read_preset(reader, model);
  read_family(reader, model);
  if (model.family == Family::resnet) {
    read_resnet(reader, model.resnet);
    read_network(reader, model.resnet);
  } else {
    read_densenet(reader, model.densenet);
    read_network(reader, model.densenet);
  }
  reader.integer("expect_params", model.expect_params, 0, std::numeric_limits<std::int64_t>::max());
  reader.finish();
}

Json model_json(const ModelSpec& model) {
  Json json = {{"type", name_of(kFamilyNames, model.family)}};
  if (!model.preset.empty()) {
    json["preset"] = model.preset;
  }
  json.update(model.family == Family::resnet ? resnet_json(model.resnet)
                                             : densenet_json(model.densenet));
  json.update(network_json(network_of(model)));
  json["expect_params"] = model.expect_params;
  return json;
}

}  // namespace accrete::models
