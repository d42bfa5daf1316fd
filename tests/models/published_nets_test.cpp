// SPDX-License-Identifier: Apache-2.0
// A training step of the published nets at full width against PyTorch in float64, fused and plain,
// tensor by tensor.
// published_nets.py makes the arrays, which are too large to keep, and says where they are.
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "accrete/models/densenet.h"
#include "models/golden_step.h"
#include "support/catch.h"
#include "support/skip.h"

namespace accrete::models {
namespace {

const char* arrays_folder() {
  const char* folder = std::getenv("ACCRETE_PUBLISHED_ARRAYS");
  if (folder == nullptr) {
    test::reason_to_skip() =
        "ACCRETE_PUBLISHED_ARRAYS is not set; tests/models/published_nets.py "
        "makes the arrays";
  }
  return folder;
}
const char* const kFolder = arrays_folder();

DenseNetSpec preset(const std::string& name) {
  for (const DenseNetPreset& candidate : densenet_presets()) {
    if (name == candidate.name) {
      return candidate.spec;
    }
  }
  FAIL("no preset " << name);
  return {};
}

double norm_of(const std::vector<float>& values) {
  double squares = 0.0;
  for (const float value : values) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  return std::sqrt(squares);
}

double distance(const std::vector<float>& got, const std::vector<float>& expected) {
  REQUIRE(got.size() == expected.size());
  std::vector<float> difference(got);
  for (std::size_t i = 0; i < got.size(); ++i) {
    difference[i] -= expected[i];
  }
  return norm_of(difference);
}

// Distance and size of every tensor by name.
using Distances = std::map<std::string, std::pair<double, double>>;

Distances distances_of(const std::string& name, const PassSwitches& passes) {
  ModelSpec model;
  model.densenet = preset(name);
  Distances distances;
  check_golden_step(std::string(kFolder) + "/densenet_" + name + ".safetensors", model, passes,
                    [&](const std::string& tensor, const std::vector<float>& got,
                        const std::vector<float>& expected) {
                      distances[tensor] = {distance(got, expected), norm_of(expected)};
                    });
  return distances;
}

// Gradients of biases nearly cancel, since what follows them takes the mean off: beside 1e-4 of its
// own size a tensor may be off by a millionth of the size of all gradients.
void check_published(const std::string& name, const PassSwitches& passes) {
  const Distances distances = distances_of(name, passes);
  double all = 0.0;
  for (const auto& [tensor, of] : distances) {
    const bool gradient = tensor != "loss" && tensor.rfind("after.", 0) != 0;
    all = gradient ? std::hypot(all, of.second) : all;
  }
  for (const auto& [tensor, of] : distances) {
    INFO(tensor << ": " << of.first << " from " << of.second << ", all gradients " << all);
    CHECK(of.first <= 1e-4 * of.second + 1e-6 * all);
  }
}

}  // namespace

TEST_CASE("DenseNet-121 trains a step as PyTorch does") {
  check_published("densenet121", {});
  check_published("densenet121", no_passes());
}

TEST_CASE("the d2l net trains a step as PyTorch does") {
  check_published("d2l", {});
  check_published("d2l", no_passes());
}

}  // namespace accrete::models
