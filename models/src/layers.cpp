// SPDX-License-Identifier: Apache-2.0
#include "layers.h"

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"

namespace accrete::models {

Layers::Layers(ModelGraph& model, const NetworkSpec& spec, const ImageBatch& images,
               bool batch_statistics)
    : model_(model), spec_(spec), batch_statistics_(batch_statistics) {
  model_.images = model_.graph.add_input(
      "images", {{images.batch, images.height, images.width, images.channels}, images.dtype});
  model_.labels = model_.graph.add_input("labels", {{images.batch, 1, 1, 1}, DType::i32});
}

ValueId Layers::conv(const std::string& name, ValueId x, CheckedSize checked_channels,
                     std::int64_t kernel, std::int64_t stride) {
  Graph& graph = model_.graph;
  const std::int64_t channels = checked_channels.value_or(kMostElements + 1);
  const ValueId weight =
      graph.add_parameter(name + ".weight", {channels, kernel, kernel, this->channels(x)},
                          spec_.conv_initializer, TensorRole::conv_weight);
  ValueId bias = kNoValue;
  if (spec_.conv_bias) {
    bias = graph.add_parameter(name + ".bias", channel_vector(channels), Initializer::zeros,
                               TensorRole::vector);
  }
  const std::int64_t pad = kernel / 2;
  return ops::conv2d(graph, name, x, weight, bias, {stride, stride, pad, pad});
}

ValueId Layers::norm(const std::string& name, ValueId x) {
  Graph& graph = model_.graph;
  const Shape vector = channel_vector(channels(x));
  ops::BatchNormParameters p;
  p.gamma = graph.add_parameter(name + ".weight", vector, Initializer::ones, TensorRole::vector);
  p.beta = graph.add_parameter(name + ".bias", vector, Initializer::zeros, TensorRole::vector);
  p.running_mean = graph.add_state(name + ".running_mean", vector, Initializer::zeros);
  p.running_var = graph.add_state(name + ".running_var", vector, Initializer::ones);
  kernels::BatchNormOptions options;
  options.epsilon = static_cast<float>(spec_.batch_norm_epsilon);
  options.momentum = static_cast<float>(spec_.batch_norm_momentum);
  return batch_statistics_ ? ops::batch_norm_training(graph, name, x, p, options)
                           : ops::batch_norm_inference(graph, name, x, p, options);
}

ValueId Layers::norm_relu(const std::string& name, ValueId x) {
  return ops::relu(model_.graph, name + ".relu", norm(name, x));
}

ValueId Layers::stem(const StemNames& names) {
  const StemSpec& stem = spec_.stem;
  ValueId x = conv(names.conv, model_.images, stem.channels, stem.kernel, stem.stride);
  if (stem.norm_relu) {
    x = norm_relu(names.norm, x);
  }
  if (stem.max_pool) {
    x = ops::max_pool(model_.graph, names.pool, x, {3, 2, 1, false});
  }
  return x;
}

void Layers::head(const std::string& name, ValueId x) {
  Graph& graph = model_.graph;
  x = ops::global_average_pool(graph, "pool", x);
  const ValueId weight =
      graph.add_parameter(name + ".weight", {spec_.num_classes, 1, 1, channels(x)},
                          spec_.linear_initializer, TensorRole::linear_weight);
  const ValueId bias = graph.add_parameter(name + ".bias", channel_vector(spec_.num_classes),
                                           Initializer::zeros, TensorRole::vector);
  const ValueId logits = ops::linear(graph, name, x, weight, bias);
  const ops::Loss loss = ops::softmax_cross_entropy(graph, "loss", logits, model_.labels);
  model_.loss = loss.loss;
  model_.correct = loss.correct;
}

std::string named(const FieldNames& names, const std::string& field) {
  return names ? names(field) : field;
}

ModelGraph build_within_limits(const std::vector<std::string>& fields, const FieldNames& names,
                               const std::function<ModelGraph()>& build) {
  try {
    return build();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) {
      throw;
    }
    std::string wanted;
    for (const std::string& field : fields) {
      wanted += named(names, field) + ", ";
    }
    throw Error(ErrorCode::spec, std::string(error.what()) + "; lower " + wanted +
                                     named(names, "images.height") + " or " +
                                     named(names, "images.batch"));
  }
}

}  // namespace accrete::models
