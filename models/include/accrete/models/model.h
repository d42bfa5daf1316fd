// SPDX-License-Identifier: Apache-2.0
// A network of any family.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "accrete/models/densenet.h"
#include "accrete/models/resnet.h"

namespace accrete::models {

enum class Family : std::uint8_t { densenet, resnet };

struct ModelSpec {
  Family family = Family::densenet;
  std::string preset;              ///< empty: none named
  DenseNetSpec densenet;           ///< of its family only
  ResNetSpec resnet;               ///< of its family only
  std::int64_t expect_params = 0;  ///< 0: not checked
};

/// The description of the family that the spec names.
inline const NetworkSpec& network_of(const ModelSpec& spec) {
  return spec.family == Family::resnet ? static_cast<const NetworkSpec&>(spec.resnet)
                                       : spec.densenet;
}

/// Smallest square image the net can take.
inline std::int64_t minimum_image_size(const ModelSpec& spec) {
  return spec.family == Family::resnet ? 1 : minimum_image_size(spec.densenet);
}

/// Other names of layers in files from elsewhere, for load_weights.
inline std::vector<LayerAlias> layer_aliases(const ModelSpec& spec) {
  return spec.family == Family::resnet ? std::vector<LayerAlias>() : layer_aliases(spec.densenet);
}

/// The whole net with its loss, see build_densenet and build_resnet.
inline ModelGraph build_model(const ModelSpec& spec, const ImageBatch& images, bool training,
                              BatchNormStatistics statistics = BatchNormStatistics::batch,
                              const FieldNames& names = {}) {
  return spec.family == Family::resnet
             ? build_resnet(spec.resnet, images, training, statistics, names)
             : build_densenet(spec.densenet, images, training, statistics, names);
}

}  // namespace accrete::models
