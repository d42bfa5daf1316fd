// SPDX-License-Identifier: Apache-2.0
#include "accrete/models/resnet.h"

namespace accrete::models {
namespace {

// Paper, Table 1.
ResNetPreset imagenet(const char* name, std::vector<std::int64_t> stages) {
  ResNetSpec spec;
  spec.stages = std::move(stages);
  return {name, "ImageNet net of basic blocks", spec};
}

// Dive into Deep Learning, chapter "Residual networks": biases, bare projections, Xavier.
ResNetPreset d2l() {
  ResNetSpec spec;
  spec.conv_bias = true;
  spec.shortcut_norm = false;
  spec.num_classes = 10;
  spec.conv_initializer = Initializer::xavier_uniform;
  spec.linear_initializer = Initializer::xavier_uniform;
  return {"resnet18_d2l", "the ResNet-18 of Dive into Deep Learning", spec};
}

}  // namespace

const std::vector<ResNetPreset>& resnet_presets() {
  static const std::vector<ResNetPreset> presets = {imagenet("resnet18", {2, 2, 2, 2}),
                                                    imagenet("resnet34", {3, 4, 6, 3}), d2l()};
  return presets;
}

}  // namespace accrete::models
