// SPDX-License-Identifier: Apache-2.0
// The DenseNet family (Huang et al., "Densely connected convolutional networks", arXiv 1608.06993)
// as a description and as a graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "accrete/models/network.h"

namespace accrete::models {

enum class TransitionPool : std::uint8_t { average, max };

struct DenseNetSpec : NetworkSpec {
  std::vector<std::int64_t> blocks = {6, 12, 24, 16};  ///< layers of each dense block
  std::int64_t growth_rate = 32;
  /// Width of the 1x1 bottleneck in units of growth_rate; 0: layers are a single 3x3 convolution.
  std::int64_t bottleneck_width = 4;
  double compression = 0.5;  ///< transitions keep floor(compression * channels)
  double dropout = 0.0;      ///< after every convolution but the first
  TransitionPool transition_pool = TransitionPool::average;
};

struct DenseNetPreset {
  std::string name;
  std::string description;
  DenseNetSpec spec;
};
/// d2l, densenet121 ... densenet264, densenet_bc_100_12 and the other published ones.
const std::vector<DenseNetPreset>& densenet_presets();

/// Smallest square image the net can take: every pooling must find a full window.
std::int64_t minimum_image_size(const DenseNetSpec& spec);

/// torchvision names the last norm as in nets of four blocks, however many there are.
std::vector<LayerAlias> layer_aliases(const DenseNetSpec& spec);

/// The whole net with its loss. Parameter names are torchvision's (features.conv0.weight, ...).
/// Error(spec) if the images are too small, before anything is built, if a transition would keep no
/// channel, or if a tensor would be too large.
ModelGraph build_densenet(const DenseNetSpec& spec, const ImageBatch& images, bool training,
                          BatchNormStatistics statistics = BatchNormStatistics::batch,
                          const FieldNames& names = {});

}  // namespace accrete::models
