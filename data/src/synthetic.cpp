// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/synthetic.h"

#include <algorithm>

#include "accrete/kernels/random.h"

namespace accrete::data {
namespace {

constexpr std::uint64_t kPatternStream = 1;
constexpr std::uint64_t kTrainStream = 2;
constexpr std::uint64_t kTestStream = 3;

// Byte number `index` of a random stream.
std::uint32_t random_byte(const RandomKey& key, std::int64_t index) {
  const auto words = philox(key, static_cast<std::uint64_t>(index / 16));
  const auto position = static_cast<std::uint32_t>(index % 16);
  return (words[position / 4] >> (8U * (position % 4U))) & 0xFFU;
}

ImageDataset make_split(const SyntheticOptions& options, std::int64_t count,
                        std::uint64_t noise_stream) {
  ImageDataset split;
  split.num_images = count;
  split.height = split.width = options.image_size;
  split.channels = options.channels;
  split.num_classes = options.num_classes;
  const std::int64_t size = options.image_size * options.image_size * options.channels;
  split.pixels.resize(static_cast<std::size_t>(count * size));
  const RandomKey pattern{options.seed, kPatternStream};
  const RandomKey noise{options.seed, noise_stream};
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = i % options.num_classes;
    split.labels.push_back(static_cast<std::int32_t>(label));
    for (std::int64_t p = 0; p < size; ++p) {
      const std::uint32_t mixed =
          (random_byte(pattern, label * size + p) + 3 * random_byte(noise, i * size + p)) / 4;
      split.pixels[static_cast<std::size_t>(i * size + p)] = static_cast<std::uint8_t>(mixed);
    }
  }
  return split;
}

}  // namespace

TrainTest make_synthetic(const SyntheticOptions& options) {
  return {make_split(options, options.train_images, kTrainStream),
          make_split(options, options.test_images, kTestStream), "synthetic"};
}

}  // namespace accrete::data
