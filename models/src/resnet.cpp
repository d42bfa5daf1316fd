// SPDX-License-Identifier: Apache-2.0
// ResNetSpec -> graph. Section and figure numbers are those of arXiv 1512.03385v1.
#include "accrete/models/resnet.h"

#include <string>

#include "accrete/engine/ops.h"
#include "layers.h"

namespace accrete::models {
namespace {

class Builder {
 public:
  Builder(const ResNetSpec& spec, const ImageBatch& images, bool batch_statistics)
      : spec_(spec), layers_(model_, spec, images, batch_statistics) {}

  // Table 1: the first block of every stage but the first halves the image.
  ModelGraph build() {
    ValueId x = layers_.stem({"conv1", "bn1", "maxpool"});
    CheckedSize channels = spec_.width;
    for (std::size_t stage = 0; stage < spec_.stages.size(); ++stage) {
      const std::string name = "layer" + std::to_string(stage + 1) + ".";
      for (std::int64_t block = 0; block < spec_.stages[stage]; ++block) {
        const std::int64_t stride = stage > 0 && block == 0 ? 2 : 1;
        x = basic_block(name + std::to_string(block), x, channels, stride);
      }
      channels *= 2;
    }
    layers_.head("fc", x);
    return std::move(model_);
  }

 private:
  // Figure 5, left.
  ValueId basic_block(const std::string& name, ValueId x, CheckedSize channels,
                      std::int64_t stride) {
    ValueId y = layers_.conv(name + ".conv1", x, channels, 3, stride);
    y = layers_.norm_relu(name + ".bn1", y);
    y = layers_.conv(name + ".conv2", y, channels, 3, 1);
    y = layers_.norm(name + ".bn2", y);
    y = ops::add(model_.graph, name + ".add", y, shortcut(name, x, channels, stride));
    return ops::relu(model_.graph, name + ".relu", y);
  }

  // Section 3.3, option B: a projection where the shape changes.
  ValueId shortcut(const std::string& name, ValueId x, CheckedSize channels, std::int64_t stride) {
    if (stride == 1 && layers_.channels(x) == channels.value_or(0)) {
      return x;
    }
    x = layers_.conv(name + ".downsample.0", x, channels, 1, stride);
    return spec_.shortcut_norm ? layers_.norm(name + ".downsample.1", x) : x;
  }

  const ResNetSpec& spec_;
  ModelGraph model_;
  Layers layers_;  // writes to model_
};

}  // namespace

ModelGraph build_resnet(const ResNetSpec& spec, const ImageBatch& images, bool training,
                        BatchNormStatistics statistics, const FieldNames& names) {
  return build_within_limits({"width", "stages", "stem.channels"}, names, [&] {
    return Builder(spec, images, training && statistics == BatchNormStatistics::batch).build();
  });
}

}  // namespace accrete::models
