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
};

/// All that is known before memory exists. `inspect` prints it; a session runs it.
struct SessionPlan {
  std::map<std::int64_t, std::shared_ptr<const StepPlan>> train;  ///< by batch size
  std::map<std::int64_t, std::shared_ptr<const StepPlan>> eval;
  ParameterStore store;         ///< parameters, states and optimizer state, not yet bound
  std::int64_t step_bytes = 0;  ///< largest step
  std::int64_t total_bytes() const { return store.bytes() + step_bytes; }
};
SessionPlan plan_session(const ModelBuilder& builder, const SessionOptions& options);

struct StepResult {
  double loss = 0.0;  ///< mean over the batch
  std::int64_t correct = 0;
};

class TrainingSession {
 public:
  /// Allocates the arena (the only device allocation) and initialises the parameters from the
  /// seed. `runtime` must outlive the session. Error(out_of_memory) before anything is allocated
  /// if the plan is larger than the memory of a GPU.
  TrainingSession(SessionPlan plan, SessionOptions options, DeviceRuntime& runtime);

  /// Input tensors of a step in device memory, to be filled before it runs.
  /// Error(invalid_argument) if the batch size was not planned.
  TensorView train_images(std::int64_t batch) { return executor(train_, batch).images(); }
  TensorView train_labels(std::int64_t batch) { return executor(train_, batch).labels(); }
  TensorView eval_images(std::int64_t batch) { return executor(eval_, batch).images(); }
  TensorView eval_labels(std::int64_t batch) { return executor(eval_, batch).labels(); }
  /// Fills a packed input tensor from host memory, which may be reused afterwards.
  void upload(const TensorView& input, const void* host);

  /// Forward, backward, update. `global_step` counts finished steps, from 0.
  StepResult train_step(std::int64_t batch, double learning_rate, std::int64_t global_step);
  StepResult eval_step(std::int64_t batch);

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
  StepResult result(const Step& step);

  SessionPlan plan_;
  SessionOptions options_;
  DeviceRuntime& runtime_;
  Stream stream_;
  Arena arena_;
  std::vector<std::byte> host_parameters_;  // empty where the host reads device memory
  ParameterStore device_parameters_;
  Steps train_;
  Steps eval_;
  std::int64_t bytes_copied_ = 0;
};

}  // namespace accrete
