// SPDX-License-Identifier: Apache-2.0
// Starting values: right distribution, and a function of (seed, name, shape) alone.
#include "accrete/engine/parameter_store.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace accrete {
namespace {

std::vector<float> initial(Initializer initializer, const Shape& shape, const std::string& name,
                           std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  StoredTensor tensor;
  tensor.name = name;
  tensor.shape = shape;
  tensor.initializer = initializer;
  tensor.view = TensorView(values.data(), shape);
  initialize_tensor(tensor, seed);
  return values;
}

double mean_of(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float v : values) {
    sum += static_cast<double>(v);
  }
  return sum / static_cast<double>(values.size());
}

double variance_of(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float v : values) {
    sum += static_cast<double>(v) * static_cast<double>(v);
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("Xavier fills its interval evenly") {
  const Shape shape{32, 3, 3, 64};
  const double bound = std::sqrt(6.0 / (9 * 64 + 9 * 32));
  const auto values = initial(Initializer::xavier_uniform, shape, "w", 1);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  CHECK(*low >= -static_cast<float>(bound));
  CHECK(*low < -0.99F * static_cast<float>(bound));
  CHECK(*high > 0.99F * static_cast<float>(bound));
  CHECK(std::fabs(mean_of(values)) < 0.02 * bound);
  CHECK(variance_of(values) == Approx(bound * bound / 3.0).epsilon(0.03));
}

TEST_CASE("Kaiming has the variance of its fan-out") {
  const auto values = initial(Initializer::kaiming_fan_out, {48, 3, 3, 40}, "w", 1);
  CHECK(std::fabs(mean_of(values)) < 0.002);
  CHECK(variance_of(values) == Approx(2.0 / (9 * 48)).epsilon(0.03));
}

TEST_CASE("values depend on seed and name only") {
  const Shape shape{8, 1, 1, 8};
  const auto a = initial(Initializer::xavier_uniform, shape, "a", 1);
  CHECK(a == initial(Initializer::xavier_uniform, shape, "a", 1));
  CHECK(a != initial(Initializer::xavier_uniform, shape, "b", 1));
  CHECK(a != initial(Initializer::xavier_uniform, shape, "a", 2));
}

TEST_CASE("the first tensor with a NaN or an infinity is named, whatever it is") {
  ParameterStore store;
  for (const char* name : {"conv.weight", "norm.running_var", "optimizer.momentum.conv.weight"}) {
    store.add(name, {2, 3, 3, 5}, TensorRole::conv_weight);
  }
  std::vector<std::byte> memory(static_cast<std::size_t>(store.bytes()));
  store.bind(memory.data(), {});
  CHECK(store.first_not_finite() == nullptr);
  store.tensors()[0].view.f32()[0] = std::numeric_limits<float>::max();
  store.tensors()[0].view.f32()[1] = std::numeric_limits<float>::denorm_min();
  CHECK(store.first_not_finite() == nullptr);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(),
                          -std::numeric_limits<float>::quiet_NaN()}) {
    for (std::size_t i = store.tensors().size(); i-- > 0;) {
      const StoredTensor& tensor = store.tensors()[i];
      for (const std::int64_t at : {std::int64_t{0}, tensor.shape.elements() - 1}) {
        const float before = std::exchange(tensor.view.f32()[at], bad);
        CHECK(store.first_not_finite() == &tensor);
        tensor.view.f32()[at] = before;
      }
    }
  }
  store.tensors()[2].view.f32()[4] = infinity;
  store.tensors()[1].view.f32()[4] = infinity;
  CHECK(store.first_not_finite()->name == "norm.running_var");
}

TEST_CASE("tensors are found by name") {
  ParameterStore store;
  store.add("a", {1, 1, 1, 3}, TensorRole::vector);
  store.add("b", {1, 1, 1, 4}, TensorRole::vector);
  CHECK(store.find("b")->shape.c == 4);
  CHECK(store.find("a") == &store.tensors()[0]);
  CHECK(store.find("c") == nullptr);
}

}  // namespace accrete
