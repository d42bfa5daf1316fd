// SPDX-License-Identifier: Apache-2.0
// Reverse mode against finite differences through whole graphs: for every parameter tensor, the
// change of the loss along a random direction must equal the inner product with its gradient.
#include <cmath>
#include <cstring>

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/random_fill.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kBatch = 5;

// Keeps every unit far from the kink of its ReLU: batch norm outputs are about N(beta, 1), and a
// beta of +5 leaves a channel linear, -5 leaves it dead. Every third channel is dead, so masks
// matter.
void move_away_from_kinks(const ParameterStore& store) {
  for (const StoredTensor& tensor : store.tensors()) {
    if (tensor.name.find("norm") == std::string::npos ||
        tensor.name.find(".bias") == std::string::npos) {
      continue;
    }
    for (std::int64_t c = 0; c < tensor.shape.c; ++c) {
      tensor.view.f32()[c] = c % 3 == 2 ? -5.0F : 5.0F;
    }
  }
}

// Moves a session away from kinks. With `like`, a net with the same tensors that takes its
// statistics from the batch, the running statistics become about those of the batch, so that the
// outputs of batch norms are about N(beta, 1) in a net that only applies them, too.
void prepare(TinySession& tiny, const ModelBuilder& like) {
  move_away_from_kinks(tiny.session.parameters());
  if (like != nullptr) {
    TinySession model(like, kBatch);
    model.restore_values(tiny.stored_values());
    for (std::int64_t step = 0; step < 60; ++step) {
      model.loss(step);
    }
    tiny.restore_values(model.stored_values());
  }
}

// Gradients are read back as weight changes: plain SGD with rate 1 subtracts the gradient.
std::vector<std::vector<double>> gradients(const ModelBuilder& builder, const ModelBuilder& like) {
  TinySession tiny(builder, kBatch);
  prepare(tiny, like);
  std::vector<std::vector<double>> before;
  for (const StoredTensor& tensor : tiny.session.parameters().tensors()) {
    const float* begin = tensor.view.f32();
    before.emplace_back(begin, begin + tensor.shape.elements());
  }
  tiny.step(1.0, 0);
  std::size_t i = 0;
  for (const StoredTensor& tensor : tiny.session.parameters().tensors()) {
    for (std::size_t k = 0; k < before[i].size(); ++k) {
      before[i][k] -= static_cast<double>(tensor.view.f32()[k]);
    }
    ++i;
  }
  return before;
}

void shift(const StoredTensor& tensor, const std::vector<float>& start,
           const std::vector<float>& direction, float amount) {
  for (std::size_t k = 0; k < start.size(); ++k) {
    tensor.view.f32()[k] = start[k] + amount * direction[k];
  }
}

void check_gradients(const ModelBuilder& builder, const ModelBuilder& like = nullptr,
                     float step = 1e-3F) {
  const auto expected = gradients(builder, like);
  TinySession tiny(builder, kBatch);
  prepare(tiny, like);
  double error_sum = 0.0;
  double size_sum = 0.0;
  std::size_t i = 0;
  for (const StoredTensor& tensor : tiny.session.parameters().tensors()) {
    const auto& gradient = expected[i++];
    if (tensor.kind != ValueKind::parameter) {
      continue;
    }
    const std::vector<float> start(tensor.view.f32(), tensor.view.f32() + tensor.shape.elements());
    const auto direction = uniform(tensor.shape.elements(), 900 + i);
    double predicted = 0.0;
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      predicted += gradient[k] * static_cast<double>(direction[k]);
    }
    shift(tensor, start, direction, step);
    const double above = tiny.loss(0);
    shift(tensor, start, direction, -step);
    const double below = tiny.loss(0);
    std::memcpy(tensor.view.data, start.data(), start.size() * sizeof(float));
    const double measured = (above - below) / (2.0 * static_cast<double>(step));
    INFO(tensor.name << ": finite difference " << measured << ", gradient " << predicted);
    CHECK(std::fabs(measured - predicted) <= 0.03 * std::fabs(predicted) + 2e-3);
    error_sum += std::fabs(measured - predicted);
    size_sum += std::fabs(predicted);
  }
  REQUIRE(size_sum > 0.1);
  CHECK(error_sum < 0.01 * size_sum);
}

}  // namespace

TEST_CASE("gradients of a dense block without bottleneck") {
  check_gradients(tiny_densenet({}));
}

TEST_CASE("gradients of a dense block with bottleneck") {
  TinyDenseNet net;
  net.bottleneck = true;
  check_gradients(tiny_densenet(net));
}

TEST_CASE("gradients with dropout: the mask is the same in every evaluation of a step") {
  TinyDenseNet net;
  net.dropout = 0.3F;
  check_gradients(tiny_densenet(net));
}

TEST_CASE("gradients when every layer concatenates the whole list") {
  TinyDenseNet net;
  net.style = ConcatStyle::list;
  check_gradients(tiny_densenet(net));
}

TEST_CASE("gradients through shortcuts and max pooling") {
  check_gradients(build_tiny_resnet);
  check_gradients(build_tiny_basic_blocks);
}

TEST_CASE("gradients with frozen statistics") {
  for (const bool bottleneck : {false, true}) {
    TinyDenseNet net;
    net.bottleneck = bottleneck;
    const ModelBuilder like = tiny_densenet(net);
    net.frozen = true;
    check_gradients(tiny_densenet(net), like);
  }
  // A longer step changes the winner of a pooling window.
  check_gradients(build_frozen_tiny_resnet, build_tiny_resnet, 3e-4F);
  check_gradients(build_frozen_tiny_basic_blocks, build_tiny_basic_blocks);
}

TEST_CASE("a loss that is not one number is refused") {
  ModelGraph model = build_tiny_densenet({}, 2, true);
  model.loss = model.images;
  CHECK_THROWS_WITH(build_backward(model), Catch::Matchers::Contains("[backward]") &&
                                               Catch::Matchers::Contains("images [2,6,6,2]"));
}

TEST_CASE("ops refuse inputs that do not fit, naming themselves and the shapes") {
  Graph graph;
  const ValueId x = graph.add_input("x", {{2, 4, 4, 3}, DType::f32});
  const ValueId y = graph.add_input("y", {{2, 4, 2, 3}, DType::f32});
  const ValueId weight =
      graph.add_parameter("w", {8, 3, 3, 5}, Initializer::zeros, TensorRole::conv_weight);
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(ops::conv2d(graph, "c", x, weight, kNoValue, {}),
                    Contains("[conv_forward]") && Contains("C=3") && Contains("C=5"));
  CHECK_THROWS_WITH(ops::add(graph, "a", x, y), Contains("[2,4,4,3]") && Contains("[2,4,2,3]"));
  CHECK_THROWS_WITH(ops::concat(graph, "k", {x, y}), Contains("[concat]"));
  CHECK_THROWS_WITH(ops::channel_slice(graph, "s", x, 2, 2), Contains("[channel_slice]"));
  CHECK_THROWS_WITH(ops::dropout(graph, "d", x, 1.0F, 0), Contains("[dropout]"));
  CHECK_THROWS_WITH(graph.add_parameter("w", {1, 1, 1, 1}, Initializer::zeros, TensorRole::vector),
                    Contains("already"));
}

}  // namespace accrete::test
