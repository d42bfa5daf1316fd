// SPDX-License-Identifier: Apache-2.0
#include "tiny_models.h"

#include <algorithm>
#include <cstring>

#include "accrete/engine/ops.h"
#include "accrete/kernels/dtype.h"
#include "support/random_fill.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kClasses = 4;

class Layers {
 public:
  Layers(Graph& graph, bool batch_statistics)
      : graph_(graph), batch_statistics_(batch_statistics) {}

  ValueId conv(const std::string& name, ValueId x, std::int64_t channels, std::int64_t kernel) {
    const std::int64_t in = graph_.value(x).type.shape.c;
    const ValueId weight =
        graph_.add_parameter(name + ".weight", {channels, kernel, kernel, in},
                             Initializer::xavier_uniform, TensorRole::conv_weight);
    const ValueId bias = graph_.add_parameter(name + ".bias", channel_vector(channels),
                                              Initializer::zeros, TensorRole::vector);
    return ops::conv2d(graph_, name, x, weight, bias, {1, 1, kernel / 2, kernel / 2});
  }

  ValueId norm_relu(const std::string& name, ValueId x) {
    return ops::relu(graph_, name + ".relu", norm(name, x));
  }

  ValueId norm(const std::string& name, ValueId x) {
    const Shape vector = channel_vector(graph_.value(x).type.shape.c);
    const ops::BatchNormParameters p{
        graph_.add_parameter(name + ".weight", vector, Initializer::ones, TensorRole::vector),
        graph_.add_parameter(name + ".bias", vector, Initializer::zeros, TensorRole::vector),
        graph_.add_state(name + ".running_mean", vector, Initializer::zeros),
        graph_.add_state(name + ".running_var", vector, Initializer::ones)};
    return batch_statistics_ ? ops::batch_norm_training(graph_, name, x, p, {})
                             : ops::batch_norm_inference(graph_, name, x, p, {});
  }

  void head(ModelGraph& model, ValueId x) {
    x = ops::global_average_pool(graph_, "pool", x);
    const ValueId weight =
        graph_.add_parameter("classifier.weight", {kClasses, 1, 1, graph_.value(x).type.shape.c},
                             Initializer::xavier_uniform, TensorRole::linear_weight);
    const ValueId bias = graph_.add_parameter("classifier.bias", channel_vector(kClasses),
                                              Initializer::zeros, TensorRole::vector);
    const ops::Loss loss = ops::softmax_cross_entropy(
        graph_, "loss", ops::linear(graph_, "classifier", x, weight, bias), model.labels);
    model.loss = loss.loss;
    model.correct = loss.correct;
  }

 private:
  Graph& graph_;
  bool batch_statistics_;
};

void add_inputs(ModelGraph& model, const Shape& images, DType dtype = DType::f32) {
  model.images = model.graph.add_input("images", {images, dtype});
  model.labels = model.graph.add_input("labels", {{images.n, 1, 1, 1}, DType::i32});
}

}  // namespace

ModelGraph build_tiny_densenet(const TinyDenseNet& net, std::int64_t batch, bool training) {
  ModelGraph model;
  add_inputs(model, {batch, net.size, net.size, net.channels}, net.dtype);
  Graph& graph = model.graph;
  Layers layers(graph, training && !net.frozen);
  std::vector<ValueId> features = {layers.conv("stem", model.images, net.stem_channels, 3)};
  ValueId all = features[0];
  for (std::int64_t i = 0; i < net.layers; ++i) {
    const std::string name = "layer" + std::to_string(i);
    ValueId x = layers.norm_relu(name + ".norm1", all);
    if (net.bottleneck) {
      x = layers.conv(name + ".conv1", x, 2 * net.growth_rate, 1);
      x = layers.norm_relu(name + ".norm2", x);
    }
    x = layers.conv(name + ".conv2", x, net.growth_rate, 3);
    if (training && net.dropout > 0.0F) {
      x = ops::dropout(graph, name + ".dropout", x, net.dropout, static_cast<std::uint64_t>(i));
    }
    features.push_back(x);
    all = net.style == ConcatStyle::chain ? ops::concat(graph, name, {all, x})
                                          : ops::concat(graph, name, features);
  }
  all = layers.norm_relu("transition.norm", all);
  all = layers.conv("transition.conv", all, 6, 1);
  all = ops::average_pool(graph, "transition.pool", all, {2, 2, 0, false});
  layers.head(model, layers.norm_relu("final.norm", all));
  return model;
}

ModelBuilder tiny_densenet(const TinyDenseNet& net) {
  return [net](std::int64_t batch, bool training) {
    return build_tiny_densenet(net, batch, training);
  };
}

namespace {

ModelGraph build_residual_net(std::int64_t batch, bool batch_statistics) {
  ModelGraph model;
  add_inputs(model, {batch, 8, 8, 3});
  Graph& graph = model.graph;
  Layers layers(graph, batch_statistics);
  ValueId x = layers.norm_relu("stem.norm", layers.conv("stem", model.images, 6, 3));
  x = ops::max_pool(graph, "pool0", x, {3, 2, 1, false});
  for (const char* block : {"block1", "block2"}) {
    const std::string name(block);
    ValueId y = layers.norm_relu(name + ".norm1", layers.conv(name + ".conv1", x, 6, 3));
    y = layers.conv(name + ".conv2", y, 6, 3);
    x = layers.norm_relu(name + ".norm2", ops::add(graph, name + ".add", x, y));
  }
  layers.head(model, x);
  return model;
}

ModelGraph build_basic_blocks(std::int64_t batch, bool batch_statistics) {
  ModelGraph model;
  add_inputs(model, {batch, 8, 8, 3});
  Graph& graph = model.graph;
  Layers layers(graph, batch_statistics);
  ValueId x = layers.norm_relu("stem.norm", layers.conv("stem", model.images, 6, 3));
  for (const std::int64_t channels : {6, 8}) {
    const std::string name = "block" + std::to_string(channels);
    ValueId y = layers.norm_relu(name + ".norm1", layers.conv(name + ".conv1", x, channels, 3));
    y = layers.norm(name + ".norm2", layers.conv(name + ".conv2", y, channels, 3));
    if (graph.value(x).type.shape.c != channels) {
      x = layers.norm(name + ".norm3", layers.conv(name + ".projection", x, channels, 1));
    }
    x = ops::relu(graph, name + ".relu", ops::add(graph, name + ".add", y, x));
  }
  layers.head(model, x);
  return model;
}

}  // namespace

ModelGraph build_tiny_basic_blocks(std::int64_t batch, bool training) {
  return build_basic_blocks(batch, training);
}

ModelGraph build_frozen_tiny_basic_blocks(std::int64_t batch, bool /*training*/) {
  return build_basic_blocks(batch, false);
}

ModelGraph build_tiny_resnet(std::int64_t batch, bool training) {
  return build_residual_net(batch, training);
}

ModelGraph build_frozen_tiny_resnet(std::int64_t batch, bool /*training*/) {
  return build_residual_net(batch, false);
}

namespace {

SessionOptions session_options(std::int64_t batch, const PassSwitches& passes,
                               const OptimizerOptions& optimizer, const Device& device,
                               FloatMath float_math) {
  SessionOptions options;
  options.train_batches = {batch};
  options.eval_batches = {batch};
  options.passes = passes;
  options.optimizer = optimizer;
  options.seed = 17;
  options.device = device;
  options.float_math = float_math;
  return options;
}

}  // namespace

TinySession::TinySession(const ModelBuilder& builder, std::int64_t batch_size,
                         const PassSwitches& passes, int threads, const OptimizerOptions& optimizer,
                         std::unique_ptr<DeviceRuntime> device, FloatMath float_math)
    : pool(threads),
      runtime(device != nullptr ? std::move(device) : make_cpu_runtime(pool)),
      batch(batch_size),
      session(
          plan_session(builder, session_options(batch_size, passes, optimizer,
                                                runtime->stream().device(), float_math)),
          session_options(batch_size, passes, optimizer, runtime->stream().device(), float_math),
          *runtime),
      pixels_(uniform(session.train_images(batch).shape.elements(), 3)),
      classes_(labels(batch, 4, kClasses)) {}

TinySession::TinySession(const ModelBuilder& builder, std::int64_t batch_size,
                         const SessionOptions& options, std::unique_ptr<DeviceRuntime> device)
    : pool(1),
      runtime(device != nullptr ? std::move(device) : make_cpu_runtime(pool)),
      batch(batch_size),
      session(plan_session(builder, options), options, *runtime),
      pixels_(uniform(session.train_images(batch).shape.elements(), 3)),
      classes_(labels(batch, 4, kClasses)) {}

void TinySession::fill_inputs() {
  fill(session.train_images(batch), session.train_labels(batch));
}

void TinySession::fill_eval_inputs() {
  fill(session.eval_images(batch), session.eval_labels(batch));
}

void TinySession::fill(const TensorView& images, const TensorView& class_labels) {
  if (images.dtype == DType::bf16) {
    std::vector<std::uint16_t> rounded;
    for (const float pixel : pixels_) {
      rounded.push_back(bf16_bits(pixel));
    }
    session.upload(images, rounded.data());
  } else {
    session.upload(images, pixels_.data());
  }
  session.upload(class_labels, classes_.data());
}

StepResult TinySession::step(double learning_rate, std::int64_t global_step) {
  fill_inputs();
  return session.train_step(batch, learning_rate, global_step);
}

std::vector<float> TinySession::stored_values() const {
  std::vector<float> values;
  for (const StoredTensor& tensor : session.parameters().tensors()) {
    if (tensor.kind != ValueKind::rounded) {
      const float* begin = tensor.view.f32();
      values.insert(values.end(), begin, begin + tensor.shape.elements());
    }
  }
  return values;
}

void TinySession::restore_values(const std::vector<float>& values) {
  const float* from = values.data();
  for (const StoredTensor& tensor : session.parameters().tensors()) {
    if (tensor.kind != ValueKind::rounded) {
      std::copy_n(from, tensor.shape.elements(), tensor.view.f32());
      from += tensor.shape.elements();
    }
  }
}

std::vector<float> TinySession::running_statistics() const {
  std::vector<float> values;
  for (const StoredTensor& tensor : session.parameters().tensors()) {
    if (tensor.name.find(".running_") != std::string::npos) {
      const float* begin = tensor.view.f32();
      values.insert(values.end(), begin, begin + tensor.shape.elements());
    }
  }
  return values;
}

void TinySession::randomise_running_statistics() {
  std::uint64_t seed = 70;
  for (const StoredTensor& tensor : session.parameters().tensors()) {
    const bool mean = tensor.name.find(".running_mean") != std::string::npos;
    if (mean || tensor.name.find(".running_var") != std::string::npos) {
      const auto values = mean ? uniform(tensor.shape.c, seed, -0.3F, 0.3F)
                               : uniform(tensor.shape.c, seed, 0.4F, 2.0F);
      std::copy(values.begin(), values.end(), tensor.view.f32());
      ++seed;
    }
  }
  session.upload_parameters();
}

RoundedCopies count_rounded_copies(const ParameterStore& store) {
  RoundedCopies copies;
  for (const StoredTensor& copy : store.tensors()) {
    if (copy.kind != ValueKind::rounded) {
      continue;
    }
    const float* master = store.find(copy.master)->view.f32();
    const auto* bits = static_cast<const std::uint16_t*>(copy.view.data);
    bool same = true;
    for (std::int64_t i = 0; i < copy.shape.elements(); ++i) {
      same = same && bits[i] == bf16_bits(master[i]);
    }
    ++copies.all;
    copies.exact += same ? 1 : 0;
  }
  return copies;
}

}  // namespace accrete::test
