// SPDX-License-Identifier: Apache-2.0
// Order, sizes and contents of batches.
#include "accrete/data/batch_loader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "accrete/data/synthetic.h"
#include "accrete/kernels/bf16.h"
#include "accrete/kernels/error.h"
#include "reference/image_batch.h"
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
  CHECK_THROWS_WITH(BatchLoader(dataset, options), Catch::Matchers::Contains("/data/mean has 2"));
  CHECK_THROWS_WITH(BatchLoader(numbered(0), batches_of(2, false)),
                    Catch::Matchers::Contains("no images"));
}

TEST_CASE("synthetic images are reproducible and tell their classes apart") {
  SyntheticOptions options;
  options.image_size = 8;
  options.train_images = 40;
  options.test_images = 20;
  const TrainTest a = make_synthetic(options);
  const TrainTest b = make_synthetic(options);
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

}  // namespace accrete::data
