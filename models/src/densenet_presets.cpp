// SPDX-License-Identifier: Apache-2.0
// The published members of the family.
#include "accrete/models/densenet.h"

namespace accrete::models {
namespace {

// ImageNet nets: paper, Table 1; 161 from the authors' repository.
DenseNetPreset imagenet(const char* name, std::vector<std::int64_t> blocks, std::int64_t growth) {
  DenseNetSpec spec;
  spec.blocks = std::move(blocks);
  spec.growth_rate = growth;
  spec.stem.channels = 2 * growth;
  return {name, "ImageNet net with bottlenecks and compression 0.5", spec};
}

// CIFAR nets: paper, section 3 "Implementation details". `layers` is the depth in the name.
DenseNetPreset cifar(const char* name, std::int64_t layers, std::int64_t growth, bool bc) {
  DenseNetSpec spec;
  const std::int64_t per_block = (layers - 4) / 3 / (bc ? 2 : 1);
  spec.blocks = {per_block, per_block, per_block};
  spec.growth_rate = growth;
  spec.bottleneck_width = bc ? 4 : 0;
  spec.compression = bc ? 0.5 : 1.0;
  spec.stem = {bc ? 2 * growth : 16, 3, 1, false, false};
  spec.num_classes = 10;
  return {name, bc ? "CIFAR net with bottlenecks and compression 0.5" : "plain CIFAR net", spec};
}

// Dive into Deep Learning, chapter "Densely connected networks": biases, no bottleneck, Xavier.
DenseNetPreset d2l() {
  DenseNetSpec spec;
  spec.blocks = {4, 4, 4, 4};
  spec.growth_rate = 32;
  spec.bottleneck_width = 0;
  spec.conv_bias = true;
  spec.num_classes = 10;
  spec.conv_initializer = Initializer::xavier_uniform;
  spec.linear_initializer = Initializer::xavier_uniform;
  return {"d2l", "the net of the Dive into Deep Learning chapter", spec};
}

}  // namespace

const std::vector<DenseNetPreset>& densenet_presets() {
  static const std::vector<DenseNetPreset> presets = {
      d2l(),
      imagenet("densenet121", {6, 12, 24, 16}, 32),
      imagenet("densenet169", {6, 12, 32, 32}, 32),
      imagenet("densenet201", {6, 12, 48, 32}, 32),
      imagenet("densenet264", {6, 12, 64, 48}, 32),
      imagenet("densenet161", {6, 12, 36, 24}, 48),
      cifar("densenet_40_12", 40, 12, false),
      cifar("densenet_100_12", 100, 12, false),
      cifar("densenet_100_24", 100, 24, false),
      cifar("densenet_bc_100_12", 100, 12, true),
      cifar("densenet_bc_250_24", 250, 24, true),
      cifar("densenet_bc_190_40", 190, 40, true),
  };
  return presets;
}

}  // namespace accrete::models
