// SPDX-License-Identifier: Apache-2.0
// Residual networks of basic blocks (He et al., "Deep residual learning for image recognition",
// arXiv 1512.03385) as a description and as a graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/models/network.h"

namespace accrete::models {

struct ResNetSpec : NetworkSpec {
  std::vector<std::int64_t> stages = {2, 2, 2, 2};  ///< basic blocks of each stage
  std::int64_t width = 64;    ///< channels of the first stage; each further stage has twice as many
  bool shortcut_norm = true;  ///< batch norm behind the projection of a shortcut
};

struct ResNetPreset {
  std::string name;
  std::string description;
  ResNetSpec spec;
};
/// resnet18, resnet34, resnet18_d2l.
const std::vector<ResNetPreset>& resnet_presets();

/// The whole net with its loss. Parameter names are torchvision's (layer1.0.conv1.weight, ...).
/// Images of every size fit, since every window is padded by half of it. Error(spec) if a tensor
/// would be too large.
ModelGraph build_resnet(const ResNetSpec& spec, const ImageBatch& images, bool training,
                        BatchNormStatistics statistics = BatchNormStatistics::batch,
                        const FieldNames& names = {});

}  // namespace accrete::models
