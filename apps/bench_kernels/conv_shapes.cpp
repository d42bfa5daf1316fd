// SPDX-License-Identifier: Apache-2.0
#include "network_shapes.h"

namespace accrete::bench {
namespace {

// One network stage: images of size x size, one row per number of input channels.
struct Stage {
  const char* network;
  std::int64_t size, K, filter, stride;
  bool slice;  // y is a slice of a block's buffer
  std::vector<std::int64_t> C;
};

const std::vector<Stage>& stages() {
  static const std::vector<Stage> all = {
      // DenseNet of the 96x96 input, growth 32
      {"d2l96", 96, 64, 7, 2, false, {1}},
      {"d2l96", 24, 32, 3, 1, true, {64, 96, 128, 160}},
      {"d2l96", 12, 32, 3, 1, true, {96, 128, 160, 192}},
      {"d2l96", 6, 32, 3, 1, true, {112, 144, 176, 208}},
      {"d2l96", 3, 32, 3, 1, true, {120, 152, 184, 216}},
      {"d2l96", 24, 96, 1, 1, false, {192}},
      {"d2l96", 12, 112, 1, 1, false, {224}},
      {"d2l96", 6, 120, 1, 1, false, {240}},
      // DenseNet-BC (L=100, growth 12)
      {"bc100", 32, 48, 1, 1, false, {24, 36, 60, 108, 204}},
      {"bc100", 16, 48, 1, 1, false, {108, 156, 204, 300}},
      {"bc100", 8, 48, 1, 1, false, {150, 246, 342}},
      {"bc100", 32, 12, 3, 1, true, {48}},
      {"bc100", 16, 12, 3, 1, true, {48}},
      {"bc100", 8, 12, 3, 1, true, {48}},
      // DenseNet-121
      {"dn121", 224, 64, 7, 2, false, {3}},
      {"dn121", 56, 128, 1, 1, false, {64, 128, 224}},
      {"dn121", 28, 128, 1, 1, false, {128, 256, 480}},
      {"dn121", 14, 128, 1, 1, false, {256, 512, 992}},
      {"dn121", 7, 128, 1, 1, false, {512, 992}},
      {"dn121", 56, 128, 1, 1, false, {256}},
      {"dn121", 28, 256, 1, 1, false, {512}},
      {"dn121", 14, 512, 1, 1, false, {1024}},
      {"dn121", 56, 32, 3, 1, true, {128}},
      {"dn121", 28, 32, 3, 1, true, {128}},
      {"dn121", 14, 32, 3, 1, true, {128}},
      {"dn121", 7, 32, 3, 1, true, {128}},
  };
  return all;
}

ConvShape shape_of(const Stage& stage, std::int64_t C, std::int64_t N) {
  ConvShape shape;
  shape.problem = {N,
                   stage.size,
                   stage.size,
                   C,
                   stage.K,
                   stage.filter,
                   stage.filter,
                   stage.stride,
                   stage.stride,
                   stage.filter / 2,
                   stage.filter / 2};
  const std::string filter = std::to_string(stage.filter);
  const std::string size = std::to_string(stage.size);
  shape.name = std::string(stage.network) + "/" + filter + "x" + filter +
               (stage.stride > 1 ? "s" + std::to_string(stage.stride) : "") + "/" + size + "x" +
               size + "/" + std::to_string(C) + "-" + std::to_string(stage.K);
  shape.buffer_channels = stage.slice ? C + stage.K : 0;
  return shape;
}

}  // namespace

std::vector<ConvShape> conv_shapes(const Batches& batches) {
  std::vector<ConvShape> shapes;
  for (const Stage& stage : stages()) {
    for (const std::int64_t C : stage.C) {
      shapes.push_back(shape_of(stage, C, batches.of(stage.network)));
    }
  }
  return shapes;
}

}  // namespace accrete::bench
