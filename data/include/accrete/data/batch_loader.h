// SPDX-License-Identifier: Apache-2.0
// Batches of transformed images, prepared by a thread of their own while the previous batch is
// being trained on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "accrete/data/dataset.h"

namespace accrete::data {

struct LoaderOptions {
  std::int64_t batch_size = 64;
  std::int64_t image_size = 0;  ///< resize to this square; 0: as the data set has them
  std::vector<double> mean;     ///< per channel; empty: 0
  std::vector<double> std;      ///< per channel; empty: 1
  bool shuffle = false;
  std::uint64_t seed = 0;
};

struct Batch {
  std::int64_t size = 0;
  std::vector<float> images;         ///< [size, H, W, C]
  std::vector<std::int32_t> labels;  ///< [size]
};

/// Order of the images in an epoch: a Fisher-Yates shuffle driven by a counter-based generator
/// keyed by (seed, epoch), the same on every machine and after a resume.
std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed,
                                         std::int64_t epoch);

class BatchLoader {
 public:
  /// `dataset` must outlive the loader. Error(data) for an empty data set, Error(spec) if mean or
  /// std have the wrong number of channels.
  BatchLoader(const ImageDataset& dataset, const LoaderOptions& options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  std::int64_t batches_per_epoch() const;
  /// Size of batch `index`: the last one of an epoch may be smaller.
  std::int64_t batch_size_of(std::int64_t index) const;
  /// Starts preparing an epoch from batch `first_batch`, dropping whatever was under way.
  void start_epoch(std::int64_t epoch, std::int64_t first_batch = 0);
  /// The next batch of the epoch, valid until the following call; nullptr at its end.
  const Batch* next();
  /// Seconds next() has waited for data since construction.
  double wait_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace accrete::data
