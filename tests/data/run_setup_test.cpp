// SPDX-License-Identifier: Apache-2.0
// From a spec to images and model: sets that fit neither each other nor the model, names of keys.
#include "run_setup.h"

#include "accrete/kernels/error.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::apps {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using namespace test;

models::RunSpec spec_of(const std::string& folder) {
  models::RunSpec spec;
  spec.data.dataset = models::DatasetKind::fashion_mnist;
  spec.data.path = folder;
  spec.model.densenet.num_classes = 10;
  return spec;
}

std::string refusal(const models::RunSpec& spec, ErrorCode code) {
  return error_of(code, [&] { load_dataset(spec, {}); });
}

}  // namespace

TEST_CASE("test images of another size are refused, unless the run resizes") {
  const std::string folder = scratch("sizes");
  write_split(folder, "train", 4, 16, 16);
  for (const auto& [height, width] : {std::pair{2U, 2U}, {16U, 8U}, {8U, 16U}, {32U, 32U}}) {
    write_split(folder, "t10k", 4, height, width);
    models::RunSpec spec = spec_of(folder);
    const std::string size = std::to_string(height) + "x" + std::to_string(width);
    CHECK_THAT(refusal(spec, ErrorCode::data),
               Contains(folder + "/train-images-idx3-ubyte has images of 16x16") &&
                   Contains(folder + "/t10k-images-idx3-ubyte of " + size));
    CHECK_THAT(error_of(ErrorCode::data, [&] { preview_dataset(spec); }),
               Contains("the training set in " + folder + " has images of 16x16") &&
                   Contains("the test set of " + size));
    spec.data.image_size = 16;
    const data::TrainTest sets = load_dataset(spec, {});
    CHECK(sets.train.height == 16);
    CHECK(sets.test.height == height);
  }
  write_split(folder, "t10k", 4, 16, 16);
  CHECK(load_dataset(spec_of(folder), {}).test.num_images == 4);
}

TEST_CASE("a model with fewer classes than the set is refused") {
  const std::string folder = scratch("classes");
  write_split(folder, "train", 4, 4, 4);
  write_split(folder, "t10k", 4, 4, 4);
  models::RunSpec spec = spec_of(folder);
  spec.model.densenet.num_classes = 9;
  CHECK_THAT(refusal(spec, ErrorCode::spec), Contains("num_classes is 9"));
}

TEST_CASE("what is refused is named by the keys of the spec") {
  models::RunSpec spec;
  const auto refused = [&](const DataShape& shape) {
    return error_of(ErrorCode::spec, [&] { model_builder(spec, shape)(1'000'000'000, true); });
  };
  CHECK_THAT(refused({4, 4, 3, 1, 1}), Contains("set /data/image_size, or use"));
  CHECK_THAT(refused({64, 64, 3, 1, 1}),
             Contains("lower /model/growth_rate, /model/blocks, /model/stem/channels, "
                      "/data/image_size or the batch sizes of /training"));
  spec.model.densenet.compression = 0.001;
  CHECK_THAT(error_of(ErrorCode::spec,
                      [&] {
                        model_builder(spec, {64, 64, 3, 1, 1})(1, true);
                      }),
             StartsWith("/model/compression keeps none"));
  spec.data.dataset = models::DatasetKind::synthetic;
  spec.data.synthetic_size = 0;
  CHECK_THAT(refusal(spec, ErrorCode::spec), StartsWith("/data/synthetic: "));
}

TEST_CASE("limits that a set does not reach change nothing") {
  const std::string folder = scratch("limits");
  write_split(folder, "train", 4, 4, 4);
  write_split(folder, "t10k", 4, 4, 4);
  models::RunSpec spec = spec_of(folder);
  spec.data.train_limit = 3;
  spec.data.test_limit = INT64_MAX;
  const data::TrainTest sets = load_dataset(spec, {});
  CHECK(sets.train.num_images == 3);
  CHECK(sets.test.num_images == 4);
}

}  // namespace accrete::apps
