// SPDX-License-Identifier: Apache-2.0
// Starting values: right distribution, and a function of (seed, name, shape) alone.
#include "accrete/engine/parameter_store.h"

#include <algorithm>
#include <cmath>
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

}  // namespace accrete
