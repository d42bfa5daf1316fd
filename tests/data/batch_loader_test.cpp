// SPDX-License-Identifier: Apache-2.0
// Order, sizes and contents of batches; resizing against a plain double-precision version.
#include "accrete/data/batch_loader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "accrete/data/resize.h"
#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"
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

// Pixel centres at half-integers, edges repeated; written again, in double.
double bilinear(const std::vector<double>& image, std::int64_t size, std::int64_t out_size,
                std::int64_t y, std::int64_t x) {
  const auto at = [&](std::int64_t row, std::int64_t column) {
    row = std::clamp<std::int64_t>(row, 0, size - 1);
    column = std::clamp<std::int64_t>(column, 0, size - 1);
    return image[static_cast<std::size_t>(row * size + column)];
  };
  const double scale = static_cast<double>(size) / static_cast<double>(out_size);
  const double source_y = (static_cast<double>(y) + 0.5) * scale - 0.5;
  const double source_x = (static_cast<double>(x) + 0.5) * scale - 0.5;
  const auto row = static_cast<std::int64_t>(std::floor(source_y));
  const auto column = static_cast<std::int64_t>(std::floor(source_x));
  const double down = source_y - std::floor(source_y);
  const double right = source_x - std::floor(source_x);
  return (1 - down) * ((1 - right) * at(row, column) + right * at(row, column + 1)) +
         down * ((1 - right) * at(row + 1, column) + right * at(row + 1, column + 1));
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

TEST_CASE("images are normalised and resized bilinearly") {
  std::vector<std::uint8_t> bytes;
  std::vector<double> values;
  for (int i = 0; i < 28 * 28; ++i) {
    bytes.push_back(static_cast<std::uint8_t>((i * i * 31 + i) % 256));
    values.push_back((bytes.back() / 255.0 - 0.25) / 0.5);
  }
  for (const std::int64_t out : {28, 96, 32, 56, 7, 1}) {
    ImageTransform transform(28, 28, 1, out, out, {0.25}, {0.5});
    std::vector<float> got(static_cast<std::size_t>(out * out));
    transform.apply(bytes.data(), got.data());
    std::vector<double> expected;
    for (std::int64_t y = 0; y < out; ++y) {
      for (std::int64_t x = 0; x < out; ++x) {
        expected.push_back(bilinear(values, 28, out, y, x));
      }
    }
    INFO("size " << out);
    CHECK(test::difference(got, expected, {2e-6, 2e-6}) == "");
  }
}

TEST_CASE("channels are normalised by their own mean and deviation") {
  const std::vector<std::uint8_t> pixel = {51, 102, 255};
  ImageTransform transform(1, 1, 3, 1, 1, {0.0, 0.4, 0.5}, {1.0, 1.0, 0.25});
  std::vector<float> got(3);
  transform.apply(pixel.data(), got.data());
  CHECK(test::difference(got, {0.2, 0.0, 2.0}, {1e-6, 0}) == "");
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
