// SPDX-License-Identifier: Apache-2.0
// Nets that are too deep, too wide or too thin for a graph, and the other names of layers in files.
#include <cstdint>
#include <functional>

#include "accrete/engine/parameter_store.h"
#include "accrete/kernels/error.h"
#include "accrete/models/model.h"
#include "support/catch.h"

namespace accrete::models {
namespace {

using Catch::Matchers::Contains;

std::string refusal_of(const std::function<void()>& build) {
  return test::error_of(ErrorCode::spec, build);
}

// A net of one thin layer in every block.
DenseNetSpec thin(std::size_t blocks) {
  DenseNetSpec spec;
  spec.blocks.assign(blocks, 1);
  spec.growth_rate = 1;
  spec.stem = {8, 3, 1, true, false};
  spec.num_classes = 2;
  return spec;
}

// Pixels of the last feature map, window by window.
std::int64_t last_size(const DenseNetSpec& spec, std::int64_t size) {
  const auto strided = [](std::int64_t pixels, std::int64_t window, std::int64_t stride,
                          std::int64_t pad) {
    const std::int64_t span = pixels + 2 * pad - window;
    return span < 0 ? 0 : span / stride + 1;
  };
  size = strided(size, spec.stem.kernel, spec.stem.stride, spec.stem.kernel / 2);
  size = spec.stem.max_pool ? strided(size, 3, 2, 1) : size;
  for (std::size_t block = 1; block < spec.blocks.size(); ++block) {
    size = strided(size, 2, 2, 0);
  }
  return size;
}

}  // namespace

TEST_CASE("the smallest image is the first that leaves a pixel") {
  for (const std::size_t blocks : {1U, 2U, 3U, 5U, 8U}) {
    for (const std::int64_t kernel : {1, 3, 7, 15}) {
      for (const std::int64_t stride : {1, 2, 3, 8}) {
        for (const bool pool : {false, true}) {
          DenseNetSpec spec = thin(blocks);
          spec.stem = {8, kernel, stride, true, pool};
          const std::int64_t size = minimum_image_size(spec);
          INFO(blocks << " blocks, kernel " << kernel << ", stride " << stride << ", " << pool);
          CHECK(last_size(spec, size) == 1);
          CHECK((size == 1 || last_size(spec, size - 1) == 0));
        }
      }
    }
  }
}

TEST_CASE("the smallest image of any number of blocks is known at once") {
  CHECK(minimum_image_size(thin(15)) == 16384);
  CHECK(minimum_image_size(thin(63)) == std::int64_t{1} << 62);
  CHECK(minimum_image_size(thin(100'000)) == INT64_MAX);
  CHECK_THAT(refusal_of([] {
               build_densenet(thin(100'000), {1, 64, 64, 3}, true);
             }),
             Contains("64x64") && Contains("fewer blocks"));
}

TEST_CASE("a transition that would keep no channel names the field") {
  DenseNetSpec spec = thin(2);
  spec.compression = 0.01;
  CHECK_THAT(refusal_of([&] {
               build_densenet(spec, {1, 8, 8, 1}, true);
             }),
             Contains("compression keeps none of the 9 channels") && Contains("transition1") &&
                 Contains("1/9"));
  spec.compression = 1.0 / 9.0;
  CHECK_NOTHROW(build_densenet(spec, {1, 8, 8, 1}, true));
}

TEST_CASE("tensors that no graph takes name the fields to lower") {
  DenseNetSpec dense = thin(1);
  SECTION("images") {
    CHECK_THAT(refusal_of([&] {
                 build_densenet(dense, {1'000'000, 16384, 16384, 1}, true);
               }),
               Contains("lower growth_rate, blocks, stem.channels, images.height or images.batch"));
  }
  SECTION("widths of a dense net") {
    dense.growth_rate = 4096;
    dense.bottleneck_width = 64;
    dense.blocks = {1000};
    CHECK_THAT(refusal_of([&] {
                 build_densenet(dense, {64, 1024, 1024, 1}, true);
               }),
               Contains("growth_rate") && Contains("2^40"));
  }
  SECTION("a product of widths that wraps") {
    dense.growth_rate = std::int64_t{1} << 40;
    dense.bottleneck_width = std::int64_t{1} << 40;
    CHECK_THAT(refusal_of([&] {
                 build_densenet(dense, {1, 1, 1, 1}, true);
               }),
               Contains("denselayer1.conv1") && Contains("growth_rate"));
  }
  ResNetSpec residual;
  SECTION("widths of a residual net") {
    residual.width = 65536;
    residual.stages = {1, 1, 1, 1, 1, 1, 1, 1};
    CHECK_THAT(refusal_of([&] {
                 build_resnet(residual, {1, 1, 1, 1}, true);
               }),
               Contains("layer") && Contains("lower width"));
  }
  SECTION("channels that double beyond 63 bits") {
    residual.width = 1;
    residual.stages.assign(80, 1);
    CHECK_THAT(refusal_of([&] {
                 build_resnet(residual, {1, 1, 1, 1}, true);
               }),
               Contains("layer") && Contains("stages"));
  }
  SECTION("classes") {
    residual.num_classes = std::int64_t{1} << 40;
    CHECK_THAT(refusal_of([&] { build_resnet(residual, {1, 1, 1, 1}, true); }), Contains("fc"));
  }
}

TEST_CASE("messages call fields as the caller does") {
  const FieldNames names = [](const std::string& field) { return "--" + field; };
  const auto refusal = [&](const DenseNetSpec& spec, const ImageBatch& images) {
    return refusal_of([&] { build_densenet(spec, images, true, {}, names); });
  };
  CHECK_THAT(refusal(thin(3), {1, 2, 2, 1}), Contains("set --images.height,"));
  CHECK_THAT(refusal(thin(1), {1'000'000, 16384, 16384, 1}),
             Contains("--stem.channels, --images.height or --images.batch"));
  DenseNetSpec spec = thin(2);
  spec.compression = 0.01;
  CHECK_THAT(refusal(spec, {1, 8, 8, 1}), Contains("--compression keeps none"));
  CHECK_THAT(refusal_of([&] {
               build_resnet({}, {1'000'000, 16384, 16384, 1}, true, {}, names);
             }),
             Contains("lower --width, --stages"));
}

TEST_CASE("the deepest nets that a spec can ask for are built") {
  DenseNetSpec dense = thin(2);
  dense.blocks = {1000, 200};
  CHECK(build_densenet(dense, {1, 2, 2, 1}, false).graph.num_nodes() > 1200);
  ResNetSpec residual;
  residual.width = 1;
  residual.stages = {200, 200, 200};
  CHECK(build_resnet(residual, {1, 4, 4, 1}, false).graph.num_nodes() > 1200);
}

TEST_CASE("the last norm is read under torchvision's name in nets of any number of blocks") {
  for (const std::size_t blocks : {1U, 2U, 4U, 6U}) {
    ModelSpec spec;
    spec.densenet = thin(blocks);
    const std::vector<LayerAlias> aliases = layer_aliases(spec);
    REQUIRE(aliases.size() == 1);
    CHECK(aliases[0].in_files == "features.norm5");
    const ModelGraph model = build_model(spec, {1, 32, 32, 1}, false);
    const ParameterStore store(model.graph);
    CHECK(store.find(aliases[0].layer + ".running_mean") != nullptr);
    CHECK((blocks == 4 || store.find("features.norm5.weight") == nullptr));
  }
  ModelSpec residual;
  residual.family = Family::resnet;
  CHECK(layer_aliases(residual).empty());
}

}  // namespace accrete::models
