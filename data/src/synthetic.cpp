// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/synthetic.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/random.h"
#include "host_memory.h"

namespace accrete::data {
namespace {

constexpr std::uint64_t kPatternStream = 1;
constexpr std::uint64_t kTrainStream = 2;
constexpr std::uint64_t kTestStream = 3;

// The bytes of a random stream from number `index` on.
class RandomBytes {
 public:
  RandomBytes(const RandomKey& key, std::int64_t index) : key_(key), index_(index) { draw(); }

  std::uint32_t next() {
    const auto position = static_cast<std::uint32_t>(index_ % kPerDraw);
    const std::uint32_t byte = (words_[position / 4] >> (8U * (position % 4U))) & 0xFFU;
    if (++index_ % kPerDraw == 0) {
      draw();
    }
    return byte;
  }

 private:
  static constexpr std::int64_t kPerDraw = 16;

  void draw() { words_ = philox(key_, static_cast<std::uint64_t>(index_ / kPerDraw)); }

  RandomKey key_;
  std::int64_t index_;
  std::array<std::uint32_t, 4> words_{};
};

ImageDataset make_split(const SyntheticOptions& options, const DatasetShape& shape,
                        std::uint64_t noise_stream) {
  ImageDataset split;
  static_cast<DatasetShape&>(split) = shape;
  split.source = "synthetic";
  const std::int64_t count = shape.num_images;
  const std::int64_t size = split.image_bytes();
  split.pixels.resize(static_cast<std::size_t>((CheckedSize(count) * size).value_or(0)));
  split.labels.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = i % options.num_classes;
    split.labels.push_back(static_cast<std::int32_t>(label));
    RandomBytes pattern({options.seed, kPatternStream}, label * size);
    RandomBytes noise({options.seed, noise_stream}, i * size);
    for (std::int64_t p = 0; p < size; ++p) {
      const std::uint32_t mixed = (pattern.next() + 3 * noise.next()) / 4;
      split.pixels[static_cast<std::size_t>(i * size + p)] = static_cast<std::uint8_t>(mixed);
    }
  }
  return split;
}

std::string description(const SyntheticOptions& options) {
  const std::string size = std::to_string(options.image_size);
  return named(options.names, "synthetic") + ": " + std::to_string(options.train_images) + " + " +
         std::to_string(options.test_images) + " images of " + size + "x" + size + "x" +
         std::to_string(options.channels);
}

// Pixels and labels of both splits.
std::int64_t bytes_of(const SyntheticOptions& options) {
  const std::int64_t smallest = std::min({options.image_size, options.channels, options.num_classes,
                                          options.train_images, options.test_images});
  const CheckedSize image =
      checked_product({options.image_size, options.image_size, options.channels});
  const CheckedSize images = CheckedSize(options.train_images) + options.test_images;
  const CheckedSize bytes = images * (image + std::int64_t{sizeof(std::int32_t)});
  if (smallest < 1 || options.num_classes > INT32_MAX || !bytes.valid()) {
    throw Error(ErrorCode::spec, description(options) + " and " +
                                     std::to_string(options.num_classes) +
                                     " classes are impossible; make each at least 1, and smaller");
  }
  return bytes.value_or(0);
}

}  // namespace

TrainTestShape synthetic_shape(const SyntheticOptions& options) {
  const auto split = [&](std::int64_t count) -> DatasetShape {
    return {count, options.image_size, options.image_size, options.channels, options.num_classes};
  };
  return {split(options.train_images), split(options.test_images), {}};
}

TrainTest make_synthetic(const SyntheticOptions& options) {
  const std::int64_t bytes = bytes_of(options);
  require_memory(bytes, description(options), "ask for fewer or smaller images");
  const TrainTestShape shape = synthetic_shape(options);
  return reporting_memory(description(options) + " (" + mebibytes(bytes) + ")", [&]() -> TrainTest {
    return {make_split(options, shape.train, kTrainStream),
            make_split(options, shape.test, kTestStream), "synthetic"};
  });
}

}  // namespace accrete::data
