// SPDX-License-Identifier: Apache-2.0
// Where a session's inputs come from: prepared on the host and copied, or made on the device.
#pragma once

#include <cstdint>
#include <memory>

#include "accrete/data/batch_picks.h"
#include "accrete/engine/training_session.h"
#include "model_builder.h"

namespace accrete::apps {

class BatchSource {
 public:
  BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual ~BatchSource() = default;

  virtual std::int64_t batches_per_epoch() const = 0;
  /// Begins an epoch at batch `first_batch`.
  virtual void start_epoch(std::int64_t epoch, std::int64_t first_batch) = 0;
  /// Puts the next batch into the inputs of the session's step of its size, and returns the size;
  /// 0 at the end of the epoch.
  virtual std::int64_t next(TrainingSession& session) = 0;
  /// Seconds next() has waited for data so far.
  virtual double wait_seconds() const = 0;
  /// Device memory held besides the session's.
  virtual std::int64_t device_bytes() const = 0;
};

/// Memory of the device that a source takes for batches on their way, for each image of its largest
/// batch. `input` is what the net sees of an image of `dataset`.
std::int64_t batch_bytes_per_image(const Device& device, const data::ImageDataset& dataset,
                                   const DataShape& input, DType images);

/// Which of a session's steps the batches are for.
enum class Purpose : std::uint8_t { training, evaluation };

/// The source that suits the runtime's device: a GPU makes batches from bytes itself. `images` is
/// the dtype of the session's images. `dataset` and `runtime` must outlive the source.
std::unique_ptr<BatchSource> make_batch_source(DeviceRuntime& runtime,
                                               const data::ImageDataset& dataset,
                                               const data::LoaderOptions& options, DType images,
                                               Purpose purpose);

}  // namespace accrete::apps
