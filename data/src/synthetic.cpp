// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/synthetic.h"

#include <array>
#include <cstdint>

#include "accrete/kernels/random.h"

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

ImageDataset make_split(const SyntheticOptions& options, std::int64_t count,
                        std::uint64_t noise_stream) {
  ImageDataset split;
  split.num_images = count;
  split.height = split.width = options.image_size;
  split.channels = options.channels;
  split.num_classes = options.num_classes;
  const std::int64_t size = options.image_size * options.image_size * options.channels;
  split.pixels.resize(static_cast<std::size_t>(count * size));
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

}  // namespace

TrainTest make_synthetic(const SyntheticOptions& options) {
  return {make_split(options, options.train_images, kTrainStream),
          make_split(options, options.test_images, kTestStream), "synthetic"};
}

}  // namespace accrete::data
