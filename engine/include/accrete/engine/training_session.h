// SPDX-License-Identifier: Apache-2.0
// A model in training on one device: one arena that holds the parameters, the optimizer state and
// the steps for every batch size in use (full batches and the smaller last ones, training and
// evaluation).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "accrete/engine/arena.h"
#include "accrete/engine/executor.h"
#include "accrete/engine/optimizer.h"
#include "accrete/engine/parameter_store.h"
#include "accrete/engine/step_plan.h"
#include "accrete/kernels/device_runtime.h"

namespace accrete {

/// Builds the model's graph for a batch size, for training or evaluation.
using ModelBuilder = std::function<ModelGraph(std::int64_t batch, bool training)>;

struct SessionOptions {
  std::vector<std::int64_t> train_batches;  ///< batch sizes that will be trained with
  std::vector<std::int64_t> eval_batches;   ///< and evaluated with
  OptimizerOptions optimizer;
  PassSwitches passes;
  std::uint64_t seed = 0;
  Device device;  ///< must be the device of the runtime that the session gets
  FloatMath float_math = FloatMath::strict;
  int recompute = 0;  ///< level, see plan_step
  /// What the caller takes of the same device's memory besides, for each image of the largest
  /// training batch and each of the largest evaluation batch: batches on their way.
  std::int64_t bytes_beside_per_image = 0;
};

/// All that is known before memory exists. `inspect` prints it; a session runs it.
struct SessionPlan {
  std::map<std::int64_t, std::shared_ptr<const StepPlan>> train;  ///< by batch size
  std::map<std::int64_t, std::shared_ptr<const StepPlan>> eval;
  ModelBuilder builder;
  ParameterStore store;         ///< parameters, states and optimizer state, not yet bound
  int recompute = 0;            ///< level
  std::int64_t step_bytes = 0;  ///< largest step
  /// The store, the running sum of losses that stops a diverged run, the largest step.
  std::int64_t total_bytes() const { return store.bytes() + kPlanAlignment + step_bytes; }
};
SessionPlan plan_session(const ModelBuilder& builder, const SessionOptions& options);

/// The plan with the lowest recompute level whose total is at most `budget_bytes`.
/// Error(out_of_memory) naming what the levels take if none is.
SessionPlan plan_session_within(const ModelBuilder& builder, SessionOptions options,
                                std::int64_t budget_bytes);

/// The largest batch, for training and evaluation, whose plan and batches on their way take at most
/// `bytes`; 0 if not even one image fits. The batch sizes in `options` do not matter.
std::int64_t largest_batch(const ModelBuilder& builder, const SessionOptions& options,
                           std::int64_t bytes);

/// The plan itself, if the device can give its memory now; otherwise Error(out_of_memory) naming
/// the largest batches that would fit.
SessionPlan require_room(SessionPlan plan, const SessionOptions& options,
                         const DeviceRuntime& runtime);

/// What a step reports.
struct StepResult {
  double loss = 0.0;         ///< mean over the batch
  std::int64_t correct = 0;  ///< correct predictions in the batch
};

class ResultQueue;

class TrainingSession {
 public:
  /// Allocates the arena (the session's only device allocation) and initialises the parameters from
  /// the seed. `runtime` must outlive the session. Error(out_of_memory) before anything is
  /// allocated, naming the largest batches that fit, if plan and batches on their way are larger
  /// than the memory that the device can give now.
  TrainingSession(SessionPlan plan, SessionOptions options, DeviceRuntime& runtime);
  ~TrainingSession();

  /// Input tensors of a step in device memory, to be filled before it runs.
  /// Error(invalid_argument) if the batch size was not planned.
  TensorView train_images(std::int64_t batch) { return executor(train_, batch).images(); }
  TensorView train_labels(std::int64_t batch) { return executor(train_, batch).labels(); }
  TensorView eval_images(std::int64_t batch) { return executor(eval_, batch).images(); }
  TensorView eval_labels(std::int64_t batch) { return executor(eval_, batch).labels(); }
  /// Fills a packed input tensor from host memory, which may be reused afterwards.
  void upload(const TensorView& input, const void* host);

  /// Queues forward, backward and update. `global_step` counts the steps queued before, from 0.
  /// From the first step on whose loss is not finite no update changes anything.
  void queue_train_step(std::int64_t batch, double learning_rate, std::int64_t global_step);
  void queue_eval_step(std::int64_t batch);
  /// Results of queued steps that have not been returned before, in order, valid until the next
  /// call. Waits until at most `pending` steps have none yet, so that a GPU need not wait for the
  /// host.
  const std::vector<StepResult>& results(std::size_t pending = 0);

  /// Queues a step, waits for it and returns its result (those of steps queued before are lost).
  StepResult train_step(std::int64_t batch, double learning_rate, std::int64_t global_step);
  StepResult eval_step(std::int64_t batch);

  /// From now on steps run call by call, timed; for finding out where the time goes.
  void start_profile() { profiling_ = true; }
  const StepProfile& profile() const { return profile_; }

  /// Everything that outlives a step, as it is now, in host memory. On a GPU this is a copy: what
  /// is written to it takes effect with upload_parameters().
  const ParameterStore& parameters() const;
  void upload_parameters();
  std::int64_t planned_bytes() const { return plan_.total_bytes(); }
  /// Persistent bytes plus the highest arena byte any kernel was given so far.
  std::int64_t peak_bytes() const;
  /// Bytes copied for concat, slices and accumulation in all steps so far.
  std::int64_t bytes_copied() const { return bytes_copied_; }

 private:
  struct Step {
    std::unique_ptr<Executor> executor;
    std::unique_ptr<Optimizer> optimizer;  // training steps only
    bool has_run = false;
    std::unique_ptr<CapturedCalls> calls;  // on devices that replay
    TensorView images() const;
    TensorView labels() const;
  };
  using Steps = std::map<std::int64_t, Step>;
  static Step& executor(Steps& steps, std::int64_t batch);
  void bind_parameters();
  void run(Step& step, std::int64_t global_step);
  TensorView loss_sum() const;

  SessionPlan plan_;
  SessionOptions options_;
  DeviceRuntime& runtime_;
  Stream stream_;
  Arena arena_;
  std::vector<std::byte> host_parameters_;  // empty where the host reads device memory
  ParameterStore device_parameters_;
  Steps train_;
  Steps eval_;
  std::unique_ptr<ResultQueue> results_;
  std::int64_t bytes_copied_ = 0;
  bool profiling_ = false;
  StepProfile profile_;
};

}  // namespace accrete
