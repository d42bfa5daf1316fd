// SPDX-License-Identifier: Apache-2.0
// DenseNetSpec -> graph. Section numbers are those of arXiv 1608.06993v5.
#include "accrete/models/densenet.h"

#include <string>

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"

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
  Builder(const DenseNetSpec& spec, const ImageBatch& images, bool training,
          BatchNormStatistics statistics)
      : spec_(spec),
        training_(training),
        batch_statistics_(training && statistics == BatchNormStatistics::batch) {
    model_.images = graph().add_input(
        "images", {{images.batch, images.height, images.width, images.channels}, images.dtype});
    model_.labels = graph().add_input("labels", {{images.batch, 1, 1, 1}, DType::i32});
  }

  ModelGraph build() {
    ValueId x = stem();
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
    head(x);
    return std::move(model_);
  }

 private:
  Graph& graph() { return model_.graph; }
  const Shape& shape(ValueId x) { return graph().value(x).type.shape; }

  ValueId conv(const std::string& name, ValueId x, std::int64_t channels, std::int64_t kernel,
               std::int64_t stride) {
    const ValueId weight =
        graph().add_parameter(name + ".weight", {channels, kernel, kernel, shape(x).c},
                              spec_.conv_initializer, TensorRole::conv_weight);
    ValueId bias = kNoValue;
    if (spec_.conv_bias) {
      bias = graph().add_parameter(name + ".bias", channel_vector(channels), Initializer::zeros,
                                   TensorRole::vector);
    }
    const std::int64_t pad = kernel / 2;
    return ops::conv2d(graph(), name, x, weight, bias, {stride, stride, pad, pad});
  }

  ValueId norm_relu(const std::string& name, ValueId x) {
    const Shape vector = channel_vector(shape(x).c);
    ops::BatchNormParameters p;
    p.gamma =
        graph().add_parameter(name + ".weight", vector, Initializer::ones, TensorRole::vector);
    p.beta = graph().add_parameter(name + ".bias", vector, Initializer::zeros, TensorRole::vector);
    p.running_mean = graph().add_state(name + ".running_mean", vector, Initializer::zeros);
    p.running_var = graph().add_state(name + ".running_var", vector, Initializer::ones);
    kernels::BatchNormOptions options;
    options.epsilon = static_cast<float>(spec_.batch_norm_epsilon);
    options.momentum = static_cast<float>(spec_.batch_norm_momentum);
    const ValueId normalised = batch_statistics_
                                   ? ops::batch_norm_training(graph(), name, x, p, options)
                                   : ops::batch_norm_inference(graph(), name, x, p, options);
    return ops::relu(graph(), name + ".relu", normalised);
  }

  // Section 4.2: dropout after every convolution but the first.
  ValueId dropout(const std::string& name, ValueId x) {
    if (!training_ || spec_.dropout == 0.0) {
      return x;
    }
    return ops::dropout(graph(), name + ".dropout", x, static_cast<float>(spec_.dropout),
                        next_dropout_layer_++);
  }

  ValueId stem() {
    const StemSpec& stem = spec_.stem;
    ValueId x = conv("features.conv0", model_.images, stem.channels, stem.kernel, stem.stride);
    if (stem.norm_relu) {
      x = norm_relu("features.norm0", x);
    }
    if (stem.max_pool) {
      x = ops::max_pool(graph(), "features.pool0", x, {3, 2, 1, false});
    }
    return x;
  }

  // Section 3, "Dense connectivity", "Composite function" and "Bottleneck layers": the new
  // features are put beside everything that came before.
  ValueId dense_layer(const std::string& name, ValueId features) {
    ValueId x = norm_relu(name + ".norm1", features);
    if (spec_.bottleneck_width > 0) {
      x = conv(name + ".conv1", x, spec_.bottleneck_width * spec_.growth_rate, 1, 1);
      x = dropout(name + ".conv1", x);
      x = norm_relu(name + ".norm2", x);
      x = conv(name + ".conv2", x, spec_.growth_rate, 3, 1);
      x = dropout(name + ".conv2", x);
    } else {
      x = conv(name + ".conv1", x, spec_.growth_rate, 3, 1);
      x = dropout(name + ".conv1", x);
    }
    return ops::concat(graph(), name, {features, x});
  }

  // Section 3, "Pooling layers" and "Compression".
  ValueId transition(const std::string& name, ValueId x) {
    const auto channels =
        static_cast<std::int64_t>(spec_.compression * static_cast<double>(shape(x).c) + 1e-9);
    x = norm_relu(name + ".norm", x);
    x = conv(name + ".conv", x, channels, 1, 1);
    x = dropout(name + ".conv", x);
    const ops::PoolAttributes window{2, 2, 0, false};
    return spec_.transition_pool == TransitionPool::average
               ? ops::average_pool(graph(), name + ".pool", x, window)
               : ops::max_pool(graph(), name + ".pool", x, window);
  }

  void head(ValueId x) {
    x = norm_relu("features.norm" + std::to_string(spec_.blocks.size() + 1), x);
    x = ops::global_average_pool(graph(), "pool", x);
    const ValueId weight =
        graph().add_parameter("classifier.weight", {spec_.num_classes, 1, 1, shape(x).c},
                              spec_.linear_initializer, TensorRole::linear_weight);
    const ValueId bias = graph().add_parameter("classifier.bias", channel_vector(spec_.num_classes),
                                               Initializer::zeros, TensorRole::vector);
    const ValueId logits = ops::linear(graph(), "classifier", x, weight, bias);
    const ops::Loss loss = ops::softmax_cross_entropy(graph(), "loss", logits, model_.labels);
    model_.loss = loss.loss;
    model_.correct = loss.correct;
  }

  const DenseNetSpec& spec_;
  bool training_;
  bool batch_statistics_;
  ModelGraph model_;
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
  return Builder(spec, images, training, statistics).build();
}

}  // namespace accrete::models
