// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/batch_picks.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/random.h"
#include "accrete/kernels/shape.h"
#include "host_memory.h"

namespace accrete::data {
namespace {

constexpr std::uint64_t kShuffleStream = 0x5487ff1e;
constexpr std::uint64_t kAugmentStream = 0xa06e97;
constexpr std::int64_t kMostPadding = std::int64_t{1} << 20;

std::vector<double> per_channel(const std::vector<double>& given, double fallback,
                                std::int64_t channels, const std::string& name) {
  if (given.empty()) {
    return std::vector<double>(static_cast<std::size_t>(channels), fallback);
  }
  if (static_cast<std::int64_t>(given.size()) != channels) {
    throw Error(ErrorCode::spec, name + " has " + std::to_string(given.size()) +
                                     " entries, the images have " + std::to_string(channels) +
                                     " channels");
  }
  return given;
}

}  // namespace

kernels::ImageTransform image_transform(const LoaderOptions& options, const ImageDataset& dataset) {
  const bool resizes = options.image_size > 0;
  const std::int64_t height = resizes ? options.image_size : dataset.height;
  const std::int64_t width = resizes ? options.image_size : dataset.width;
  if (!checked_product({height, width, dataset.channels}).at_most(kMostElements)) {
    throw Error(ErrorCode::spec, named(options.names, "image_size") + ": images of " +
                                     std::to_string(height) + "x" + std::to_string(width) + "x" +
                                     std::to_string(dataset.channels) + " are too large");
  }
  return {dataset.height,
          dataset.width,
          dataset.channels,
          height,
          width,
          per_channel(options.mean, 0.0, dataset.channels, named(options.names, "mean")),
          per_channel(options.std, 1.0, dataset.channels, named(options.names, "std"))};
}

std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed,
                                         std::int64_t epoch) {
  auto order = reporting_memory("the order of " + std::to_string(count) + " images", [&] {
    return std::vector<std::int64_t>(static_cast<std::size_t>(count));
  });
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const RandomKey key{seed, mix_stream(kShuffleStream, static_cast<std::uint64_t>(epoch))};
  for (std::int64_t i = count - 1; i > 0; --i) {
    const auto words = philox(key, static_cast<std::uint64_t>(i));
    const std::uint64_t random = (static_cast<std::uint64_t>(words[0]) << 32U) | words[1];
    // The bias of the remainder is below 2^-32 for any data set that fits in memory.
    const auto j = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(i + 1));
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
  }
  return order;
}

BatchPicks::BatchPicks(std::int64_t num_images, const LoaderOptions& options)
    : num_images_(num_images),
      batch_size_(options.batch_size),
      shuffle_(options.shuffle),
      augmentation_(options.augmentation),
      seed_(options.seed) {
  if (num_images < 1) {
    throw Error(ErrorCode::data, "the data set has no images");
  }
  if (num_images > INT32_MAX) {
    throw Error(ErrorCode::data, "the data set has " + std::to_string(num_images) +
                                     " images, more than 2^31 - 1; use fewer");
  }
  if (batch_size_ < 1) {
    throw Error(ErrorCode::invalid_argument, "[batch_loader] batch size must be at least 1");
  }
  if (!CheckedSize(augmentation_.crop_padding).at_most(kMostPadding)) {
    throw Error(ErrorCode::invalid_argument, "[batch_loader] crop padding must be from 0 to 2^20");
  }
}

std::int64_t BatchPicks::batches_per_epoch() const {
  return num_images_ / batch_size_ + (num_images_ % batch_size_ != 0 ? 1 : 0);
}

std::int64_t BatchPicks::batch_size_of(std::int64_t index) const {
  if (index < 0 || index >= batches_per_epoch()) {
    throw Error(ErrorCode::invalid_argument, "[batch_loader] batch " + std::to_string(index) +
                                                 " of an epoch of " +
                                                 std::to_string(batches_per_epoch()) + " batches");
  }
  return std::min(batch_size_, num_images_ - index * batch_size_);
}

void BatchPicks::start_epoch(std::int64_t epoch) {
  epoch_ = epoch;
  if (shuffle_) {
    order_ = shuffled_order(num_images_, seed_, epoch);
  }
}

std::vector<kernels::ImagePick> BatchPicks::batch(std::int64_t index) const {
  const std::int64_t size = batch_size_of(index);
  const std::int64_t first = index * batch_size_;
  if (shuffle_ && order_.empty()) {
    throw Error(ErrorCode::invalid_argument, "[batch_loader] no epoch has been started");
  }
  return reporting_memory("the picks of " + std::to_string(size) + " images", [&] {
    std::vector<kernels::ImagePick> picks;
    picks.reserve(static_cast<std::size_t>(size));
    for (std::int64_t i = first; i < first + size; ++i) {
      picks.push_back(pick(shuffle_ ? order_[static_cast<std::size_t>(i)] : i));
    }
    return picks;
  });
}

kernels::ImagePick BatchPicks::pick(std::int64_t image) const {
  kernels::ImagePick pick;
  pick.image = static_cast<std::int32_t>(image);
  const auto padding = static_cast<std::int32_t>(augmentation_.crop_padding);
  if (padding == 0 && !augmentation_.horizontal_flip) {
    return pick;
  }
  const RandomKey key{seed_, mix_stream(kAugmentStream, static_cast<std::uint64_t>(epoch_))};
  const auto words = philox(key, static_cast<std::uint64_t>(image));
  const auto shift = [padding](std::uint32_t word) {
    return static_cast<std::int32_t>(word % static_cast<std::uint32_t>(2 * padding + 1)) - padding;
  };
  pick.top = shift(words[0]);
  pick.left = shift(words[1]);
  pick.flip = augmentation_.horizontal_flip ? static_cast<std::int32_t>(words[2] & 1U) : 0;
  return pick;
}

}  // namespace accrete::data
