// SPDX-License-Identifier: Apache-2.0
// One training step of small nets against PyTorch. tests/golden/make_densenets.py and
// make_resnets.py made the arrays, in float64.
#include <algorithm>
#include <cmath>

#include "models/golden_step.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::models {
namespace {

ModelSpec bottleneck_net() {
  ModelSpec model;
  DenseNetSpec& spec = model.densenet;
  spec.blocks = {2, 2};
  spec.growth_rate = 6;
  spec.bottleneck_width = 2;
  spec.stem = {8, 3, 1, false, false};
  spec.num_classes = 5;
  return model;
}

ModelSpec plain_net() {
  ModelSpec model;
  DenseNetSpec& spec = model.densenet;
  spec.blocks = {2, 2};
  spec.growth_rate = 5;
  spec.bottleneck_width = 0;
  spec.stem = {7, 7, 2, true, true};
  spec.conv_bias = true;
  spec.num_classes = 3;
  return model;
}

ModelSpec narrow_resnet() {
  ModelSpec model;
  model.family = Family::resnet;
  model.resnet.stages = {2, 1};
  model.resnet.width = model.resnet.stem.channels = 6;
  model.resnet.num_classes = 5;
  return model;
}

ModelSpec d2l_resnet() {
  ModelSpec model;
  model.family = Family::resnet;
  model.resnet.stages = {1, 1};
  model.resnet.width = model.resnet.stem.channels = 5;
  model.resnet.conv_bias = true;
  model.resnet.shortcut_norm = false;
  model.resnet.num_classes = 3;
  return model;
}

// f32 against float64: rounding of a dozen layers, relative to the largest entry of the tensor. The
// gradient of a bias in front of a batch norm is zero, what is left of it is rounding of the sum of
// some hundred terms up to 0.1: hence the absolute part.
void check_entries(const std::string& name, const std::vector<float>& got,
                   const std::vector<float>& expected) {
  double largest = 0.0;
  for (const float value : expected) {
    largest = std::max(largest, std::fabs(static_cast<double>(value)));
  }
  INFO(name);
  CHECK(test::difference(got, {expected.begin(), expected.end()}, {2e-5 * largest + 1e-6, 2e-5}) ==
        "");
}

void check_net(const std::string& net, const ModelSpec& spec, const PassSwitches& passes,
               BatchNormStatistics statistics = BatchNormStatistics::batch) {
  check_golden_step(std::string(GOLDEN_FOLDER) + "/" + net + ".safetensors", spec, passes,
                    check_entries, statistics);
}

}  // namespace

TEST_CASE("a net with bottlenecks trains a step as PyTorch does") {
  check_net("densenet_bottleneck", bottleneck_net(), {});
}

TEST_CASE("a net with the d2l stem and biases trains a step as PyTorch does") {
  check_net("densenet_plain", plain_net(), {});
}

TEST_CASE("residual nets train a step as PyTorch does") {
  check_net("resnet_narrow", narrow_resnet(), {});
  check_net("resnet_d2l", d2l_resnet(), {});
}

TEST_CASE("nets with frozen statistics train a step as PyTorch does") {
  check_net("densenet_frozen", bottleneck_net(), {}, BatchNormStatistics::running);
  check_net("resnet_frozen", narrow_resnet(), {}, BatchNormStatistics::running);
}

TEST_CASE("the plain graphs, without any pass, do too") {
  check_net("densenet_bottleneck", bottleneck_net(), no_passes());
  check_net("densenet_plain", plain_net(), no_passes());
  check_net("resnet_narrow", narrow_resnet(), no_passes());
  check_net("resnet_d2l", d2l_resnet(), no_passes());
  check_net("densenet_frozen", bottleneck_net(), no_passes(), BatchNormStatistics::running);
  check_net("resnet_frozen", narrow_resnet(), no_passes(), BatchNormStatistics::running);
}

}  // namespace accrete::models
