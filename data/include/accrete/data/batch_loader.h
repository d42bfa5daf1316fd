// SPDX-License-Identifier: Apache-2.0
// Batches of transformed images, prepared by a thread of their own while the previous batch is
// being trained on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "accrete/data/batch_picks.h"
#include "accrete/data/dataset.h"
#include "accrete/kernels/dtype.h"

namespace accrete::data {

struct Batch {
  std::int64_t size = 0;
  std::vector<float> images;               ///< [size, H, W, C], if the loader makes f32
  std::vector<std::uint16_t> bf16_images;  ///< the same, if it makes bf16
  std::vector<std::int32_t> labels;        ///< [size]

  /// The images in the loader's dtype.
  const void* image_data() const;
};

/// The batches a loader holds at most: those ahead, of which one may be under way, and the one that
/// was delivered.
constexpr std::int64_t kBatchesHeld = 4;

class BatchLoader {
 public:
  /// `images` is f32 or bf16. `dataset` must outlive the loader. Errors as of BatchPicks,
  /// image_transform and check_dataset; Error(out_of_memory) if this process cannot get the memory
  /// of the batches or a thread.
  BatchLoader(const ImageDataset& dataset, const LoaderOptions& options, DType images = DType::f32);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  std::int64_t batches_per_epoch() const;
  std::int64_t batch_size_of(std::int64_t index) const;
  /// Starts preparing an epoch from batch `first_batch`, dropping whatever was under way.
  void start_epoch(std::int64_t epoch, std::int64_t first_batch = 0);
  /// The next batch of the epoch, valid until the following call; nullptr at its end. Throws what
  /// went wrong with that batch as an Error, Error(out_of_memory) if its memory was refused,
  /// Error(internal) if it was no Error; another epoch may then be started.
  const Batch* next();
  /// Seconds next() has waited for data since construction.
  double wait_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace accrete::data
