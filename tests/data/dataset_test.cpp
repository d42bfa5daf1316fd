// SPDX-License-Identifier: Apache-2.0
// Sets of images: what is counted, checked and generated.
#include "accrete/data/dataset.h"

#include <cmath>

#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"
#include "support/allocations.h"
#include "support/catch.h"

namespace accrete::data {
namespace {

using Catch::Matchers::Contains;

constexpr std::int64_t kLargest = INT64_MAX;

ImageDataset small_set() {
  ImageDataset set;
  set.num_images = 3;
  set.height = 2;
  set.width = 1;
  set.channels = 2;
  set.num_classes = 2;
  set.pixels = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23};
  set.labels = {0, 1, 0};
  set.source = "small";
  return set;
}

// The code of the error; nothing may have been filled.
ErrorCode refusal(const SyntheticOptions& options) {
  test::take_largest_allocation();
  try {
    make_synthetic(options);
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Contains("synthetic: "));
    CHECK(test::take_largest_allocation() < std::size_t{1} << 16);
    return error.code();
  }
  FAIL("no error");
  return ErrorCode::internal;
}

SyntheticOptions sizes(std::int64_t image, std::int64_t channels, std::int64_t train,
                       std::int64_t test) {
  SyntheticOptions options;
  options.image_size = image;
  options.channels = channels;
  options.train_images = train;
  options.test_images = test;
  return options;
}

}  // namespace

TEST_CASE("images of a set, and none beside it") {
  const ImageDataset set = small_set();
  CHECK(set.image_bytes() == 4);
  CHECK(set.image(2)[3] == 23);
  for (const std::int64_t index : {std::int64_t{-1}, std::int64_t{3}, kLargest}) {
    CHECK_THROWS_WITH(set.image(index), Contains("of a set of 3"));
  }
  ImageDataset impossible = set;
  impossible.height = impossible.width = kLargest;
  CHECK_THROWS_WITH(impossible.image_bytes(), Contains("small has images of an impossible size"));
}

TEST_CASE("the shape of synthetic sets is known before they are made") {
  const SyntheticOptions options = sizes(5, 2, 7, 3);
  const TrainTestShape shape = synthetic_shape(options);
  const TrainTest sets = make_synthetic(options);
  for (const auto& [announced, made] :
       {std::pair<DatasetShape, DatasetShape>{shape.train, sets.train}, {shape.test, sets.test}}) {
    CHECK(announced.num_images == made.num_images);
    CHECK(announced.height == made.height);
    CHECK(announced.width == made.width);
    CHECK(announced.channels == made.channels);
    CHECK(announced.num_classes == made.num_classes);
  }
  CHECK(shape.test.num_images == 3);
}

TEST_CASE("a set that does not add up is refused") {
  CHECK_NOTHROW(check_dataset(small_set()));
  ImageDataset set = small_set();
  set.num_images = 4;
  CHECK_THROWS_WITH(check_dataset(set), Contains("not those of 4 images of 4 bytes"));
  set = small_set();
  set.height = std::int64_t{1} << 62;  // the bytes wrap
  set.channels = 4;
  CHECK_THROWS_WITH(check_dataset(set), Contains("impossible size"));
  set = small_set();
  set.pixels.pop_back();
  CHECK_THROWS_WITH(check_dataset(set), Contains("11 bytes of pixels"));
  set = small_set();
  set.labels.push_back(0);
  CHECK_THROWS_WITH(check_dataset(set), Contains("4 labels"));
  for (const std::int32_t label : {-1, 2, INT32_MAX}) {
    set = small_set();
    set.labels[1] = label;
    CHECK_THROWS_WITH(check_dataset(set), Contains("labels go from 0 to 1"));
  }
}

TEST_CASE("limits keep the first images") {
  ImageDataset set = small_set();
  limit_images(set, 0);
  limit_images(set, -5);
  limit_images(set, kLargest);
  CHECK(set.num_images == 3);
  limit_images(set, 2);
  CHECK(set.num_images == 2);
  CHECK(set.labels == std::vector<std::int32_t>{0, 1});
  CHECK(set.pixels.size() == 8);
  set.pixels.pop_back();
  CHECK_THROWS_WITH(limit_images(set, 1), Contains("7 bytes of pixels"));
}

TEST_CASE("synthetic images are reproducible and tell their classes apart") {
  SyntheticOptions options = sizes(8, 3, 40, 20);
  const TrainTest a = make_synthetic(options);
  const TrainTest b = make_synthetic(options);
  CHECK_NOTHROW(check_dataset(a.train));
  CHECK_NOTHROW(check_dataset(a.test));
  CHECK(a.train.pixels == b.train.pixels);
  CHECK(a.train.labels.size() == 40);
  CHECK(a.test.num_images == 20);
  options.seed = 1;
  CHECK(make_synthetic(options).train.pixels != a.train.pixels);
  const auto distance = [&](std::int64_t i, std::int64_t j) {
    double sum = 0.0;
    for (std::int64_t p = 0; p < 8 * 8 * 3; ++p) {
      sum += std::fabs(static_cast<double>(a.train.image(i)[p]) - a.train.image(j)[p]);
    }
    return sum;
  };
  CHECK(distance(0, 10) < distance(0, 11));  // classes 0 and 0 against 0 and 1
}

TEST_CASE("synthetic sizes that wrap, or are none, are refused as a spec") {
  const std::int64_t large = std::int64_t{1} << 16;
  CHECK(refusal(sizes(large, large, large, 1)) == ErrorCode::spec);  // 2^64, which wraps to 0
  CHECK(refusal(sizes(large, large, large + 1, 1)) == ErrorCode::spec);
  CHECK(refusal(sizes(1, 1, kLargest, kLargest)) == ErrorCode::spec);
  CHECK(refusal(sizes(kLargest, 1, 1, 1)) == ErrorCode::spec);
  CHECK(refusal(sizes(0, 3, 1, 1)) == ErrorCode::spec);
  CHECK(refusal(sizes(8, -3, 1, 1)) == ErrorCode::spec);
  CHECK(refusal(sizes(8, 3, -1, 1)) == ErrorCode::spec);
  CHECK(refusal(sizes(8, 3, 1, -1)) == ErrorCode::spec);
  SyntheticOptions no_classes = sizes(8, 3, 4, 4);
  no_classes.num_classes = 0;
  CHECK(refusal(no_classes) == ErrorCode::spec);
}

TEST_CASE("synthetic images that do not fit the memory are refused before they are made") {
  CHECK(refusal(sizes(16384, 4096, 1000, 1)) == ErrorCode::out_of_memory);  // a petabyte
  CHECK(refusal(sizes(32, 3, 1, std::int64_t{1} << 36)) == ErrorCode::out_of_memory);
  CHECK(refusal(sizes(1, 1, std::int64_t{1} << 60, 1)) == ErrorCode::out_of_memory);
}

TEST_CASE("an allocation that fails says what it was for") {
  if (!test::knows_allocations()) {
    return;
  }
  const test::AllocationLimit limit(std::size_t{1} << 20);
  try {
    make_synthetic(sizes(1024, 1, 2, 1));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
    CHECK_THAT(error.what(), Contains("2 + 1 images of 1024x1024x1") && Contains("MiB"));
  }
}

}  // namespace accrete::data
