// SPDX-License-Identifier: Apache-2.0
#include "accrete/models/model.h"

namespace accrete::models {

const NetworkSpec& network_of(const ModelSpec& spec) {
  if (spec.family == Family::resnet) {
    return spec.resnet;
  }
  return spec.densenet;
}

std::int64_t minimum_image_size(const ModelSpec& spec) {
  return spec.family == Family::resnet ? 1 : minimum_image_size(spec.densenet);
}

std::vector<LayerAlias> layer_aliases(const ModelSpec& spec) {
  return spec.family == Family::resnet ? std::vector<LayerAlias>() : layer_aliases(spec.densenet);
}

ModelGraph build_model(const ModelSpec& spec, const ImageBatch& images, bool training,
                       BatchNormStatistics statistics, const FieldNames& names) {
  return spec.family == Family::resnet
             ? build_resnet(spec.resnet, images, training, statistics, names)
             : build_densenet(spec.densenet, images, training, statistics, names);
}

}  // namespace accrete::models
