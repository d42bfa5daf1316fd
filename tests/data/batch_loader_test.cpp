// SPDX-License-Identifier: Apache-2.0
// Order, sizes and contents of batches.
#include "accrete/data/batch_loader.h"

#include <algorithm>
#include <set>

#include "accrete/data/synthetic.h"
#include "accrete/kernels/dtype.h"
#include "accrete/kernels/error.h"
#include "reference/operations.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::data {
namespace {

ImageDataset numbered(std::int64_t count) {
  ImageDataset dataset;
  dataset.num_images = count;
  dataset.height = dataset.width = 2;
  dataset.channels = 1;
  dataset.num_classes = 1000;
  for (std::int64_t i = 0; i < count; ++i) {
    for (int p = 0; p < 4; ++p) {
      dataset.pixels.push_back(static_cast<std::uint8_t>(i));
    }
    dataset.labels.push_back(static_cast<std::int32_t>(i));
  }
  return dataset;
}

LoaderOptions batches_of(std::int64_t size, bool shuffle) {
  LoaderOptions options;
  options.batch_size = size;
  options.shuffle = shuffle;
  options.seed = 5;
  return options;
}

std::vector<std::int32_t> all_labels(BatchLoader& loader, std::int64_t epoch,
                                     std::int64_t first = 0) {
  std::vector<std::int32_t> labels;
  loader.start_epoch(epoch, first);
  while (const Batch* batch = loader.next()) {
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
    for (std::int64_t i = 0; i < batch->size; ++i) {
      const auto index = static_cast<std::size_t>(i);
      REQUIRE(batch->images[index * 4] ==
              Approx(static_cast<double>(batch->labels[index]) / 255.0));
    }
  }
  return labels;
}

}  // namespace

TEST_CASE("an epoch delivers every image once, the last batch may be smaller") {
  const ImageDataset dataset = numbered(23);
  BatchLoader loader(dataset, batches_of(5, false));
  CHECK(loader.batches_per_epoch() == 5);
  CHECK(loader.batch_size_of(4) == 3);
  const auto labels = all_labels(loader, 0);
  REQUIRE(labels.size() == 23);
  CHECK(std::is_sorted(labels.begin(), labels.end()));
  CHECK(loader.next() == nullptr);
}

TEST_CASE("shuffling is a permutation that depends on seed and epoch alone") {
  const ImageDataset dataset = numbered(200);
  BatchLoader loader(dataset, batches_of(7, true));
  const auto first = all_labels(loader, 3);
  const auto second = all_labels(loader, 4);
  CHECK(first != second);
  CHECK(all_labels(loader, 3) == first);
  CHECK(std::set<std::int32_t>(first.begin(), first.end()).size() == 200);
  CHECK(shuffled_order(200, 5, 3) != shuffled_order(200, 6, 3));
}

TEST_CASE("an epoch entered in the middle delivers the rest of the same order") {
  const ImageDataset dataset = numbered(60);
  BatchLoader loader(dataset, batches_of(7, true));
  const auto whole = all_labels(loader, 2);
  const auto rest = all_labels(loader, 2, 3);
  CHECK(rest == std::vector<std::int32_t>(whole.begin() + 21, whole.end()));
}

TEST_CASE("a loader of bf16 images rounds those of an f32 one") {
  const ImageDataset dataset = numbered(11);
  LoaderOptions options = batches_of(4, true);
  options.mean = {0.3};
  BatchLoader exact(dataset, options);
  BatchLoader rounded(dataset, options, DType::bf16);
  exact.start_epoch(1);
  rounded.start_epoch(1);
  while (const Batch* batch = exact.next()) {
    const Batch* narrow = rounded.next();
    REQUIRE(narrow != nullptr);
    CHECK(narrow->labels == batch->labels);
    CHECK(narrow->images.empty());
    CHECK(narrow->image_data() == narrow->bf16_images.data());
    CHECK(batch->image_data() == batch->images.data());
    REQUIRE(narrow->bf16_images.size() == batch->images.size());
    for (std::size_t i = 0; i < batch->images.size(); ++i) {
      REQUIRE(narrow->bf16_images[i] == bf16_bits(batch->images[i]));
    }
  }
  CHECK(rounded.next() == nullptr);
}

TEST_CASE("starting an epoch anew drops what was under way") {
  const ImageDataset dataset = numbered(100);
  BatchLoader loader(dataset, batches_of(4, false));
  for (int repeat = 0; repeat < 50; ++repeat) {
    loader.start_epoch(repeat);
    const Batch* batch = loader.next();
    REQUIRE(batch != nullptr);
    REQUIRE(batch->labels[0] == 0);
  }
}

TEST_CASE("a loader that is never used or left early ends cleanly") {
  const ImageDataset dataset = numbered(100);
  const BatchLoader unused(dataset, batches_of(4, true));
  BatchLoader left(dataset, batches_of(4, true));
  left.start_epoch(0);
  CHECK(left.next() != nullptr);
}

TEST_CASE("batches are those of their picks") {
  SyntheticOptions synthetic;
  synthetic.image_size = 6;
  synthetic.train_images = 9;
  const ImageDataset set = make_synthetic(synthetic).train;
  LoaderOptions options = batches_of(4, true);
  options.image_size = 8;
  options.mean = {0.4, 0.5, 0.6};
  options.augmentation = {2, true};
  BatchLoader loader(set, options);
  BatchPicks picks(set.num_images, options);
  picks.start_epoch(3);
  loader.start_epoch(3, 1);
  const Batch* batch = loader.next();
  const auto chosen = picks.batch(1);
  const kernels::ImageTransform transform = image_transform(options, set);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const std::uint8_t* bytes = set.image(chosen[i].image);
    const auto expected =
        reference::batch_image(transform, {bytes, bytes + 6 * 6 * 3}, chosen[i], 8, 8);
    const float* image = batch->images.data() + i * 8 * 8 * 3;
    CHECK(test::difference({image, image + 8 * 8 * 3}, expected, {2e-6, 2e-6}) == "");
    CHECK(batch->labels[i] == set.labels[static_cast<std::size_t>(chosen[i].image)]);
  }
}

TEST_CASE("augmentation is drawn anew for every image and epoch, within its bounds") {
  LoaderOptions options = batches_of(400, false);
  options.augmentation = {4, true};
  BatchPicks picks(400, options);
  std::set<std::int32_t> tops, lefts;
  int flips = 0;
  picks.start_epoch(0);
  const auto first = picks.batch(0);
  for (const kernels::ImagePick& pick : first) {
    tops.insert(pick.top);
    lefts.insert(pick.left);
    flips += pick.flip;
  }
  CHECK(tops == std::set<std::int32_t>{-4, -3, -2, -1, 0, 1, 2, 3, 4});
  CHECK(lefts == tops);
  CHECK(flips > 150);
  CHECK(flips < 250);
  picks.start_epoch(1);
  const auto second = picks.batch(0);
  CHECK(std::count_if(second.begin(), second.end(), [&](const kernels::ImagePick& pick) {
          return pick.top == first[static_cast<std::size_t>(pick.image)].top;
        }) < 100);
  picks.start_epoch(0);
  CHECK(picks.batch(0)[7].left == first[7].left);
}

TEST_CASE("without augmentation images stay as they are") {
  BatchPicks picks(20, batches_of(20, true));
  picks.start_epoch(0);
  for (const kernels::ImagePick& pick : picks.batch(0)) {
    CHECK((pick.top == 0 && pick.left == 0 && pick.flip == 0));
  }
}

TEST_CASE("mean and std must fit the channels") {
  const ImageDataset dataset = numbered(3);
  LoaderOptions options = batches_of(2, false);
  options.mean = {0.1, 0.2};
  CHECK_THROWS_WITH(BatchLoader(dataset, options), Catch::Matchers::StartsWith("mean has 2"));
  options.names = [](const std::string& field) { return "--" + field; };
  CHECK_THROWS_WITH(BatchLoader(dataset, options), Catch::Matchers::StartsWith("--mean has 2"));
  CHECK_THROWS_WITH(BatchLoader(numbered(0), batches_of(2, false)),
                    Catch::Matchers::Contains("no images"));
}

TEST_CASE("numbers out of range are refused, whatever their products would wrap to") {
  const auto error_code = [](std::int64_t images, const LoaderOptions& options) {
    try {
      BatchPicks picks(images, options);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;  // none
  };
  CHECK(error_code(std::int64_t{1} << 31, batches_of(1, false)) == ErrorCode::data);
  CHECK(error_code(-1, batches_of(1, false)) == ErrorCode::data);
  CHECK(error_code(5, batches_of(-1, false)) == ErrorCode::invalid_argument);
  for (const std::int64_t padding : {std::int64_t{-1}, std::int64_t{1} << 30, INT64_MAX}) {
    LoaderOptions options = batches_of(1, false);
    options.augmentation.crop_padding = padding;
    CHECK(error_code(5, options) == ErrorCode::invalid_argument);
  }
  BatchPicks picks(5, batches_of(INT64_MAX, false));
  CHECK(picks.batches_per_epoch() == 1);
  CHECK(picks.batch_size_of(0) == 5);
  for (const std::int64_t index : {std::int64_t{-1}, std::int64_t{1}, INT64_MAX}) {
    CHECK_THROWS_WITH(picks.batch(index), Catch::Matchers::Contains("of an epoch of 1"));
  }
  CHECK_THROWS_WITH(BatchPicks(5, batches_of(2, true)).batch(0),
                    Catch::Matchers::Contains("no epoch"));
}

TEST_CASE("batches larger than the machine are refused before they are filled") {
  const ImageDataset dataset = numbered(200);
  LoaderOptions options = batches_of(200, false);
  const auto error_code = [&](std::int64_t image_size) {
    options.image_size = image_size;
    try {
      BatchLoader loader(dataset, options);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;  // none
  };
  CHECK(error_code(60'000) == ErrorCode::out_of_memory);              // 3 TB
  CHECK(error_code(1'000'000) == ErrorCode::invalid_argument);        // above 2^40 numbers
  CHECK(error_code(std::int64_t{1} << 32) == ErrorCode::spec);        // 2^64 wraps to 0
  CHECK(error_code((std::int64_t{1} << 32) + 1) == ErrorCode::spec);  // wraps to something small
}

TEST_CASE("a set that does not add up is refused") {
  ImageDataset dataset = numbered(5);
  dataset.height = 3;
  CHECK_THROWS_WITH(BatchLoader(dataset, batches_of(2, false)),
                    Catch::Matchers::Contains("20 bytes of pixels"));
}

TEST_CASE("sets of other sizes are resized to one, each from its own") {
  LoaderOptions options = batches_of(2, false);
  options.image_size = 6;
  for (const std::int64_t size : {2, 5, 6, 9}) {
    SyntheticOptions synthetic;
    synthetic.image_size = size;
    synthetic.train_images = 2;
    synthetic.test_images = 1;
    const ImageDataset set = make_synthetic(synthetic).train;
    const kernels::ImageTransform transform = image_transform(options, set);
    BatchLoader loader(set, options);
    loader.start_epoch(0);
    const Batch* batch = loader.next();
    REQUIRE(batch->images.size() == 2 * 6 * 6 * 3);
    const auto expected = reference::batch_image(
        transform, {set.pixels.begin(), set.pixels.begin() + size * size * 3}, {}, 6, 6);
    CHECK(test::difference({batch->images.begin(), batch->images.begin() + 6 * 6 * 3}, expected,
                           {2e-6, 2e-6}) == "");
  }
}

}  // namespace accrete::data
