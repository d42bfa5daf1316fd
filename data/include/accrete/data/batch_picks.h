// SPDX-License-Identifier: Apache-2.0
// Which images make up each batch of an epoch, and how each is cut and mirrored: a function of
// (seed, epoch) alone, the same on every machine and after a resume.
#pragma once

#include <cstdint>
#include <vector>

#include "accrete/data/dataset.h"
#include "accrete/kernels/image_batch.h"

namespace accrete::data {

/// Random changes of training images (He et al. 2015, section 4.2, for CIFAR).
struct Augmentation {
  /// Images are padded by this many pixels of the mean on each side and cut back at random.
  std::int64_t crop_padding = 0;
  bool horizontal_flip = false;  ///< mirrored with probability 1/2
};

struct LoaderOptions {
  std::int64_t batch_size = 64;
  std::int64_t image_size = 0;  ///< resize to this square; 0: as the data set has them
  std::vector<double> mean;     ///< per channel; empty: 0
  std::vector<double> std;      ///< per channel; empty: 1
  bool shuffle = false;
  Augmentation augmentation;
  std::uint64_t seed = 0;
  FieldNames names;  ///< of these fields, for messages
};

/// The transform that the options describe for the images of a set. Error(spec) if mean or std have
/// the wrong number of channels, or the resized images more than kMostElements numbers.
kernels::ImageTransform image_transform(const LoaderOptions& options, const ImageDataset& dataset);

/// Order of the images in an epoch: a Fisher-Yates shuffle driven by a counter-based generator
/// keyed by (seed, epoch).
std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed,
                                         std::int64_t epoch);

class BatchPicks {
 public:
  /// Error(data) for an empty data set or one of 2^31 images and more, Error(invalid_argument) for
  /// a batch size below 1 or a crop padding outside 0 to 2^20.
  BatchPicks(std::int64_t num_images, const LoaderOptions& options);

  std::int64_t batches_per_epoch() const;
  /// Size of batch `index`: the last one of an epoch may be smaller. Error(invalid_argument) if an
  /// epoch has no such batch.
  std::int64_t batch_size_of(std::int64_t index) const;
  void start_epoch(std::int64_t epoch);
  /// The images of batch `index` of the epoch that was started; errors as of batch_size_of.
  std::vector<kernels::ImagePick> batch(std::int64_t index) const;

 private:
  kernels::ImagePick pick(std::int64_t image) const;

  std::int64_t num_images_;
  std::int64_t batch_size_;
  bool shuffle_;
  Augmentation augmentation_;
  std::uint64_t seed_;
  std::int64_t epoch_ = 0;
  std::vector<std::int64_t> order_;
};

}  // namespace accrete::data
