// SPDX-License-Identifier: Apache-2.0
#include "steps.h"

#include <cmath>
#include <csignal>
#include <initializer_list>

#include "accrete/data/batch_loader.h"
#include "accrete/engine/device_images.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/finite.h"

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

 private:
  data::BatchPicks picks_;
  DeviceImages images_;
  Purpose purpose_;
  std::int64_t next_ = 0;
};

volatile std::sig_atomic_t received = 0;

void remember(int signal) {
  received = signal;
}

data::LoaderOptions loader_options(const models::RunSpec& spec, Purpose purpose) {
  const bool training = purpose == Purpose::training;
  data::LoaderOptions options;
  options.batch_size = training ? spec.training.batch_size : spec.training.eval_batch_size;
  options.image_size = spec.data.image_size;
  options.mean = spec.data.mean;
  options.std = spec.data.std;
  options.shuffle = training;
  if (training) {
    options.augmentation = {spec.data.crop_padding, spec.data.horizontal_flip};
  }
  options.seed = spec.training.seed;
  options.names = [training](const std::string& field) {
    return field != "batch_size" ? "/data/" + field
           : training            ? "/training/batch_size"
                                 : "/training/eval_batch_size";
  };
  return options;
}

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
                                               const models::RunSpec& spec, Purpose purpose) {
  const data::LoaderOptions options = loader_options(spec, purpose);
  if (runtime.shares_host_memory()) {
    return std::make_unique<HostBatches>(dataset, options, image_dtype(spec), purpose);
  }
  return std::make_unique<DeviceBatches>(runtime, dataset, options, purpose);
}

double scheduled_rate(const models::TrainingSpec& training, std::int64_t steps_per_epoch,
                      std::int64_t step) {
  Schedule schedule = training.schedule;
  schedule.warmup_steps =
      std::llround(training.warmup_epochs * static_cast<double>(steps_per_epoch));
  return learning_rate(schedule, training.optimizer.learning_rate, step,
                       training.epochs * steps_per_epoch);
}

std::optional<EpochSums> evaluate(TrainingSession& session, BatchSource& batches) {
  EpochSums sums;
  StepsUnderWay under_way;
  const auto add = [&](const StepResult& result, std::int64_t size) { sums.add(result, size); };
  batches.start_epoch(0, 0);
  while (const std::int64_t size = batches.next(session)) {
    session.queue_eval_step(size);
    under_way.add(size);
    under_way.take_results(session, StepsUnderWay::kMost, add);
    if (interrupt_signal() != 0) {
      under_way.take_results(session, 0, add);
      return std::nullopt;
    }
  }
  under_way.take_results(session, 0, add);
  return sums;
}

void install_interrupt_handlers() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    struct sigaction inherited {};
    if (sigaction(signal, nullptr, &inherited) == 0 && inherited.sa_handler == SIG_IGN) {
      continue;
    }
    struct sigaction action {};
    action.sa_handler = remember;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

int interrupt_signal() {
  return received;
}

void Watchdog::fail(const std::string& what) const {
  const auto newest = checkpoints_.newest();
  throw Error(ErrorCode::diverged,
              what + ". Lower /training/optimizer/learning_rate or add warm-up. " +
                  (newest ? "Last good checkpoint: " + *newest
                          : std::string("No checkpoint had been written yet")));
}

void Watchdog::check_training_loss(double loss, std::int64_t epoch, std::int64_t step) const {
  if (!is_finite(loss)) {
    fail("the loss became " + std::to_string(loss) + " in epoch " + std::to_string(epoch) +
         ", step " + std::to_string(step) +
         "; the weights were left as they were before that step");
  }
}

void Watchdog::check_test_loss(double loss, std::int64_t epoch) const {
  if (!is_finite(loss)) {
    fail("the loss of the test images is " + std::to_string(loss) + " in epoch " +
         std::to_string(epoch));
  }
}

void Watchdog::check_state(const ParameterStore& store, std::int64_t epoch,
                           std::int64_t step) const {
  const StoredTensor* tensor = store.first_not_finite();
  if (tensor != nullptr) {
    fail(tensor->name + " holds numbers that are NaN or infinite in epoch " +
         std::to_string(epoch) + ", behind step " + std::to_string(step));
  }
}

}  // namespace accrete::apps
