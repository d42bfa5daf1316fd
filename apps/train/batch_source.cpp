// SPDX-License-Identifier: Apache-2.0
#include "batch_source.h"

#include "accrete/data/batch_loader.h"
#include "accrete/engine/device_images.h"

namespace accrete::apps {
namespace {

TensorView images_of(TrainingSession& session, Purpose purpose, std::int64_t batch) {
  return purpose == Purpose::training ? session.train_images(batch) : session.eval_images(batch);
}

TensorView labels_of(TrainingSession& session, Purpose purpose, std::int64_t batch) {
  return purpose == Purpose::training ? session.train_labels(batch) : session.eval_labels(batch);
}

class HostBatches final : public BatchSource {
 public:
  HostBatches(const data::ImageDataset& dataset, const data::LoaderOptions& options, DType images,
              Purpose purpose)
      : loader_(dataset, options, images), purpose_(purpose) {}

  std::int64_t batches_per_epoch() const override { return loader_.batches_per_epoch(); }
  void start_epoch(std::int64_t epoch, std::int64_t first_batch) override {
    loader_.start_epoch(epoch, first_batch);
  }
  std::int64_t next(TrainingSession& session) override {
    const data::Batch* batch = loader_.next();
    if (batch == nullptr) {
      return 0;
    }
    session.upload(images_of(session, purpose_, batch->size), batch->image_data());
    session.upload(labels_of(session, purpose_, batch->size), batch->labels.data());
    return batch->size;
  }
  double wait_seconds() const override { return loader_.wait_seconds(); }
  std::int64_t device_bytes() const override { return 0; }

 private:
  data::BatchLoader loader_;
  Purpose purpose_;
};

class DeviceBatches final : public BatchSource {
 public:
  DeviceBatches(DeviceRuntime& runtime, const data::ImageDataset& dataset,
                const data::LoaderOptions& options, Purpose purpose)
      : picks_(dataset.num_images, options),
        images_(runtime,
                {dataset.pixels.data(),
                 dataset.labels.data(),
                 {dataset.num_images, dataset.height, dataset.width, dataset.channels}},
                data::image_transform(options, dataset), options.batch_size),
        purpose_(purpose) {}

  std::int64_t batches_per_epoch() const override { return picks_.batches_per_epoch(); }
  void start_epoch(std::int64_t epoch, std::int64_t first_batch) override {
    picks_.start_epoch(epoch);
    next_ = first_batch;
  }
  std::int64_t next(TrainingSession& session) override {
    if (next_ >= picks_.batches_per_epoch()) {
      return 0;
    }
    const auto picks = picks_.batch(next_++);
    const auto size = static_cast<std::int64_t>(picks.size());
    images_.make_batch(picks, images_of(session, purpose_, size),
                       labels_of(session, purpose_, size));
    return size;
  }
  double wait_seconds() const override { return 0.0; }
  std::int64_t device_bytes() const override { return images_.bytes(); }

 private:
  data::BatchPicks picks_;
  DeviceImages images_;
  Purpose purpose_;
  std::int64_t next_ = 0;
};

}  // namespace

std::int64_t batch_bytes_per_image(const Device& device, const data::ImageDataset& dataset,
                                   const DataShape& input, DType images) {
  constexpr std::int64_t kLabelBytes = sizeof(std::int32_t);
  if (device.kind == DeviceKind::cpu) {
    const Shape image{1, input.height, input.width, input.channels};
    return data::kBatchesHeld *
           (image.elements() * static_cast<std::int64_t>(dtype_bytes(images)) + kLabelBytes);
  }
  return DeviceImages::slot_bytes_per_image({1, dataset.height, dataset.width, dataset.channels});
}

std::unique_ptr<BatchSource> make_batch_source(DeviceRuntime& runtime,
                                               const data::ImageDataset& dataset,
                                               const data::LoaderOptions& options, DType images,
                                               Purpose purpose) {
  if (runtime.shares_host_memory()) {
    return std::make_unique<HostBatches>(dataset, options, images, purpose);
  }
  return std::make_unique<DeviceBatches>(runtime, dataset, options, purpose);
}

}  // namespace accrete::apps
