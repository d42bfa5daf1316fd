// SPDX-License-Identifier: Apache-2.0
#include "fuzz/any_net.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace accrete::fuzz {
namespace {

using Json = nlohmann::json;

// One in n. Mutations prefer bytes of zeros, of ones and powers of two: none of these says yes.
bool one_in(FuzzedDataProvider& input, int n) {
  return input.ConsumeIntegralInRange(0, n - 1) == 3;
}

// Mostly from the lower eighth of a range: cheap nets find most, and now and then a large one.
int mostly_small(FuzzedDataProvider& input, int low, int high) {
  const bool any = one_in(input, 8);
  return input.ConsumeIntegralInRange(low, any ? high : low + (high - low + 7) / 8);
}

double hundredths(FuzzedDataProvider& input, int low, int high) {
  return input.ConsumeIntegralInRange(low, high) / 100.0;
}

// One net in 256 is deep; then its group is the only one, and narrow. A net takes as long as its
// layers take to be planned: with few of them many nets are tried.
Json any_layers(FuzzedDataProvider& input, bool& deep) {
  deep = one_in(input, 256);
  if (deep) {
    return Json::array({mostly_small(input, 8, 200)});
  }
  Json layers = Json::array();
  const int groups = one_in(input, 5) ? input.ConsumeIntegralInRange(2, 3) : 1;
  for (int i = 0; i < groups; ++i) {
    layers.push_back(mostly_small(input, 1, 4));
  }
  return layers;
}

Json any_stem(FuzzedDataProvider& input, int most_channels) {
  return {{"channels", mostly_small(input, 1, most_channels)},
          {"kernel", 2 * input.ConsumeIntegralInRange(0, 7) + 1},
          {"stride", input.ConsumeIntegralInRange(1, 8)},
          {"norm_relu", input.ConsumeBool()},
          {"max_pool", input.ConsumeBool()}};
}

Json any_model(FuzzedDataProvider& input) {
  static const std::array<const char*, 5> kInitializers = {"zeros", "ones", "xavier_uniform",
                                                           "kaiming_fan_out", "linear_fan_in"};
  bool deep = false;
  Json model;
  const bool resnet = input.ConsumeBool();
  model["type"] = resnet ? "resnet" : "densenet";
  model[resnet ? "stages" : "blocks"] = any_layers(input, deep);
  const int most_channels = deep ? 4 : 40;
  if (resnet) {
    model["width"] = mostly_small(input, 1, most_channels);
    model["shortcut_norm"] = input.ConsumeBool();
  } else {
    model["growth_rate"] = mostly_small(input, 1, most_channels);
    model["bottleneck_width"] = input.ConsumeIntegralInRange(0, 3);
    model["compression"] = hundredths(input, 1, 100);
    model["dropout"] = input.ConsumeBool() ? hundredths(input, 0, 99) : 0.0;
    model["transition_pool"] = input.ConsumeBool() ? "max" : "average";
  }
  model["stem"] = any_stem(input, most_channels);
  model["num_classes"] = mostly_small(input, 1, 33);
  model["conv_bias"] = input.ConsumeBool();
  model["conv_initializer"] = input.PickValueInArray(kInitializers);
  return model;
}

Json any_optimizer(FuzzedDataProvider& input) {
  Json optimizer = {{"weight_decay", hundredths(input, 0, 10)}};
  if (input.ConsumeBool()) {
    optimizer["type"] = "adam";
    optimizer["decoupled_weight_decay"] = input.ConsumeBool();
  } else {
    optimizer["momentum"] = hundredths(input, 0, 99);
  }
  return optimizer;
}

Json any_training(FuzzedDataProvider& input) {
  return {{"batch_size", input.ConsumeIntegralInRange(1, 9)},
          {"eval_batch_size", input.ConsumeIntegralInRange(1, 9)},
          {"seed", input.ConsumeIntegral<std::uint16_t>()},
          {"precision", input.ConsumeBool() ? "bf16" : "fp32"},
          {"freeze_batch_norm_statistics", one_in(input, 5)},
          {"optimizer", any_optimizer(input)}};
}

// A last batch of another size is another plan; four sets in five have none.
int any_images(FuzzedDataProvider& input, int batch) {
  return one_in(input, 5) ? input.ConsumeIntegralInRange(1, 12) : batch;
}

Json any_data(FuzzedDataProvider& input, const Json& training) {
  return {{"dataset", "synthetic"},
          {"synthetic",
           {{"image_size", mostly_small(input, 1, 24)},
            {"channels", mostly_small(input, 1, 9)},
            {"train_images", any_images(input, training.at("batch_size"))},
            {"test_images", any_images(input, training.at("eval_batch_size"))}}}};
}

}  // namespace

std::string any_net(FuzzedDataProvider& input) {
  Json spec;
  spec["model"] = any_model(input);
  spec["training"] = any_training(input);
  spec["data"] = any_data(input, spec["training"]);
  return spec.dump();
}

}  // namespace accrete::fuzz
