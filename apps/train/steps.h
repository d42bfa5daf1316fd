// SPDX-License-Identifier: Apache-2.0
// The steps of a session: where their batches come from, which of them are under way, what ends
// them early.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "accrete/data/dataset.h"
#include "accrete/engine/checkpoint.h"
#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"
#include "metrics.h"
#include "run_setup.h"

namespace accrete::apps {

/// Where a session's inputs come from: prepared on the host and copied, or made on the device.
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
};

/// Memory of the device that a source takes for batches on their way, for each image of its largest
/// batch. `input` is what the net sees of an image of `dataset`.
std::int64_t batch_bytes_per_image(const Device& device, const data::ImageDataset& dataset,
                                   const DataShape& input, DType images);

/// Which of a session's steps the batches are for.
enum class Purpose : std::uint8_t { training, evaluation };

/// The source that suits the runtime's device: a GPU makes batches from bytes itself. The batches
/// are as the spec describes them. `dataset` and `runtime` must outlive the source.
std::unique_ptr<BatchSource> make_batch_source(DeviceRuntime& runtime,
                                               const data::ImageDataset& dataset,
                                               const models::RunSpec& spec, Purpose purpose);

/// Steps that have been queued on a session and whose results have not been seen.
class StepsUnderWay {
 public:
  /// Steps that may be queued on a GPU before the result of the first must be there: enough that it
  /// never waits for the host, few enough that an interruption is quick.
  static constexpr std::size_t kMost = 4;

  std::int64_t count() const { return static_cast<std::int64_t>(sizes_.size()); }
  void add(std::int64_t batch) { sizes_.push_back(batch); }

  /// Calls account(result, size of the batch) for steps in the order of add(), until at most
  /// `pending` are under way.
  template <class Account>
  void take_results(TrainingSession& session, std::size_t pending, const Account& account) {
    for (const StepResult& result : session.results(pending)) {
      account(result, sizes_.front());
      sizes_.pop_front();
    }
  }

 private:
  std::deque<std::int64_t> sizes_;
};

/// The learning rate of a step, which counts from 0.
double scheduled_rate(const models::TrainingSpec& training, std::int64_t steps_per_epoch,
                      std::int64_t step);

/// Runs the session's evaluation step on every batch of the source. No step may be under way.
/// Nothing if a signal asked the run to end before the last batch.
std::optional<EpochSums> evaluate(TrainingSession& session, BatchSource& batches);

/// Lets signals ask the run to end its step and save: SIGINT and SIGTERM, SIGHUP of a terminal that
/// closes, SIGUSR1 of a scheduler whose time is nearly up. The same signal again kills. A signal
/// that this process was started to ignore, as by nohup, stays ignored. So is SIGPIPE from here on:
/// a run outlives the reader of its output, which is told at the end.
void install_interrupt_handlers();
/// The signal received so far, or 0.
int interrupt_signal();

/// Watches that the numbers of a run stay numbers. Each check throws Error(diverged), which says
/// what is NaN or infinite, where, what to change and which checkpoint is the last good one.
class Watchdog {
 public:
  /// `checkpoints` must outlive the watchdog.
  explicit Watchdog(const CheckpointFolder& checkpoints) : checkpoints_(checkpoints) {}

  /// The loss of a training step; epoch and step count from 1. The session has left the weights as
  /// they were before it.
  void check_training_loss(double loss, std::int64_t epoch, std::int64_t step) const;
  void check_test_loss(double loss, std::int64_t epoch) const;
  /// Parameters, running statistics and optimizer state behind a step: the losses may be finite
  /// while those are not, since a ReLU or a max pool can hide them. Reads all of `store` once.
  void check_state(const ParameterStore& store, std::int64_t epoch, std::int64_t step) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;

  const CheckpointFolder& checkpoints_;
};

}  // namespace accrete::apps
