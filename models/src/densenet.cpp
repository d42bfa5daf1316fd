// SPDX-License-Identifier: Apache-2.0
// DenseNetSpec -> graph. Section numbers are those of arXiv 1608.06993v5.
#include "accrete/models/densenet.h"

#include <string>

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "layers.h"

namespace accrete::models {
namespace {

std::int64_t strided(std::int64_t size, std::int64_t window, std::int64_t stride,
                     std::int64_t pad) {
  const std::int64_t span = size + 2 * pad - window;
  return span < 0 ? 0 : span / stride + 1;
}

// Size of the last feature map, 0 if some window does not fit.
std::int64_t final_size(const DenseNetSpec& spec, std::int64_t size) {
  size = strided(size, spec.stem.kernel, spec.stem.stride, spec.stem.kernel / 2);
  if (spec.stem.max_pool) {
    size = strided(size, 3, 2, 1);
  }
  for (std::size_t block = 1; block < spec.blocks.size(); ++block) {
    size = strided(size, 2, 2, 0);
  }
  return size;
}

class Builder {
 public:
  Builder(const DenseNetSpec& spec, const ImageBatch& images, bool training, bool batch_statistics)
      : spec_(spec), training_(training), layers_(model_, spec, images, batch_statistics) {}

  ModelGraph build() {
    ValueId x = layers_.stem({"features.conv0", "features.norm0", "features.pool0"});
    for (std::size_t block = 0; block < spec_.blocks.size(); ++block) {
      const std::string number = std::to_string(block + 1);
      for (std::int64_t layer = 0; layer < spec_.blocks[block]; ++layer) {
        x = dense_layer("features.denseblock" + number + ".denselayer" + std::to_string(layer + 1),
                        x);
      }
      if (block + 1 < spec_.blocks.size()) {
        x = transition("features.transition" + number, x);
      }
    }
    x = layers_.norm_relu("features.norm" + std::to_string(spec_.blocks.size() + 1), x);
    layers_.head("classifier", x);
    return std::move(model_);
  }

 private:
  Graph& graph() { return model_.graph; }

  // Section 4.2: dropout after every convolution but the first.
  ValueId dropout(const std::string& name, ValueId x) {
    if (!training_ || spec_.dropout == 0.0) {
      return x;
    }
    return ops::dropout(graph(), name + ".dropout", x, static_cast<float>(spec_.dropout),
                        next_dropout_layer_++);
  }

  // Section 3, "Dense connectivity", "Composite function" and "Bottleneck layers": the new
  // features are put beside everything that came before.
  ValueId dense_layer(const std::string& name, ValueId features) {
    ValueId x = layers_.norm_relu(name + ".norm1", features);
    if (spec_.bottleneck_width > 0) {
      x = layers_.conv(name + ".conv1", x, spec_.bottleneck_width * spec_.growth_rate, 1, 1);
      x = dropout(name + ".conv1", x);
      x = layers_.norm_relu(name + ".norm2", x);
      x = layers_.conv(name + ".conv2", x, spec_.growth_rate, 3, 1);
      x = dropout(name + ".conv2", x);
    } else {
      x = layers_.conv(name + ".conv1", x, spec_.growth_rate, 3, 1);
      x = dropout(name + ".conv1", x);
    }
    return ops::concat(graph(), name, {features, x});
  }

  // Section 3, "Pooling layers" and "Compression".
  ValueId transition(const std::string& name, ValueId x) {
    const auto channels = static_cast<std::int64_t>(
        spec_.compression * static_cast<double>(layers_.channels(x)) + 1e-9);
    x = layers_.norm_relu(name + ".norm", x);
    x = layers_.conv(name + ".conv", x, channels, 1, 1);
    x = dropout(name + ".conv", x);
    const ops::PoolAttributes window{2, 2, 0, false};
    return spec_.transition_pool == TransitionPool::average
               ? ops::average_pool(graph(), name + ".pool", x, window)
               : ops::max_pool(graph(), name + ".pool", x, window);
  }

  const DenseNetSpec& spec_;
  bool training_;
  ModelGraph model_;
  Layers layers_;  // writes to model_
  std::uint64_t next_dropout_layer_ = 0;
};

}  // namespace

std::int64_t minimum_image_size(const DenseNetSpec& spec) {
  std::int64_t size = 1;
  while (final_size(spec, size) < 1) {
    ++size;
  }
  return size;
}

ModelGraph build_densenet(const DenseNetSpec& spec, const ImageBatch& images, bool training,
                          BatchNormStatistics statistics) {
  if (final_size(spec, images.height) < 1 || final_size(spec, images.width) < 1) {
    throw Error(ErrorCode::spec,
                "images of " + std::to_string(images.height) + "x" + std::to_string(images.width) +
                    " are too small for this net: a feature map would shrink to nothing. The "
                    "smallest image it takes is " +
                    std::to_string(minimum_image_size(spec)) + "x" +
                    std::to_string(minimum_image_size(spec)) +
                    "; set /data/image_size, or use fewer blocks or a smaller stem");
  }
  return Builder(spec, images, training, training && statistics == BatchNormStatistics::batch)
      .build();
}

}  // namespace accrete::models
