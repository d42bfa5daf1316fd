// SPDX-License-Identifier: Apache-2.0
// DenseNetSpec -> graph. Section numbers are those of arXiv 1608.06993v5.
#include "accrete/models/densenet.h"

#include <string>

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "layers.h"

namespace accrete::models {
namespace {

// The norm in front of the classifier is numbered like the transition that is not there.
std::string last_norm(const DenseNetSpec& spec) {
  return "features.norm" + std::to_string(spec.blocks.size() + 1);
}

class Builder {
 public:
  Builder(const DenseNetSpec& spec, const ImageBatch& images, bool training, bool batch_statistics,
          const FieldNames& names)
      : spec_(spec),
        training_(training),
        names_(names),
        layers_(model_, spec, images, batch_statistics) {}

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
    x = layers_.norm_relu(last_norm(spec_), x);
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
      x = layers_.conv(name + ".conv1", x,
                       checked_product({spec_.bottleneck_width, spec_.growth_rate}), 1, 1);
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
    const std::int64_t channels = compressed(name, layers_.channels(x));
    x = layers_.norm_relu(name + ".norm", x);
    x = layers_.conv(name + ".conv", x, channels, 1, 1);
    x = dropout(name + ".conv", x);
    const ops::PoolAttributes window{2, 2, 0, false};
    return spec_.transition_pool == TransitionPool::average
               ? ops::average_pool(graph(), name + ".pool", x, window)
               : ops::max_pool(graph(), name + ".pool", x, window);
  }

  std::int64_t compressed(const std::string& name, std::int64_t channels) const {
    const double kept = spec_.compression * static_cast<double>(channels) + 1e-9;
    if (kept < 1.0) {
      throw Error(ErrorCode::spec, named(names_, "compression") + " keeps none of the " +
                                       std::to_string(channels) + " channels in front of " + name +
                                       "; raise it to 1/" + std::to_string(channels) + " at least");
    }
    return static_cast<std::int64_t>(kept);
  }

  const DenseNetSpec& spec_;
  bool training_;
  const FieldNames& names_;
  ModelGraph model_;
  Layers layers_;  // writes to model_
  std::uint64_t next_dropout_layer_ = 0;
};

}  // namespace

// Backwards from the last feature map, which needs one pixel, in pixels of a side beyond the first:
// a transition's window of 2 in strides of 2 takes one more than twice as many, a window that is
// padded by half of it as many strides.
std::int64_t minimum_image_size(const DenseNetSpec& spec) {
  CheckedSize further = 0;
  for (std::size_t block = 1; block < spec.blocks.size(); ++block) {
    further = further * 2 + 1;
  }
  further *= spec.stem.max_pool ? 2 : 1;
  further *= spec.stem.stride;
  return (further + 1).value_or(INT64_MAX);
}

std::vector<LayerAlias> layer_aliases(const DenseNetSpec& spec) {
  return {{last_norm(spec), "features.norm5"}};
}

ModelGraph build_densenet(const DenseNetSpec& spec, const ImageBatch& images, bool training,
                          BatchNormStatistics statistics, const FieldNames& names) {
  const std::int64_t smallest = minimum_image_size(spec);
  if (images.height < smallest || images.width < smallest) {
    throw Error(ErrorCode::spec,
                "images of " + std::to_string(images.height) + "x" + std::to_string(images.width) +
                    " are too small for this net: a feature map would shrink to nothing. The "
                    "smallest image it takes is " +
                    std::to_string(smallest) + "x" + std::to_string(smallest) + "; set " +
                    named(names, "images.height") + ", or use fewer blocks or a smaller stem");
  }
  return build_within_limits({"growth_rate", "blocks", "stem.channels"}, names, [&] {
    const bool batch_statistics = training && statistics == BatchNormStatistics::batch;
    return Builder(spec, images, training, batch_statistics, names).build();
  });
}

}  // namespace accrete::models
