// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/training_session.h"

#include <algorithm>
#include <string>

#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "result_queue.h"

namespace accrete {

SessionPlan plan_session(const ModelBuilder& builder, const SessionOptions& options) {
  SessionPlan plan;
  plan.builder = builder;
  plan.recompute = options.recompute;
  auto add = [&](const std::vector<std::int64_t>& batches, bool training, auto& steps) {
    for (const std::int64_t batch : batches) {
      steps[batch] = std::make_shared<const StepPlan>(plan_step(
          builder(batch, training), training, options.passes, options.device, options.recompute));
      plan.step_bytes = std::max(plan.step_bytes, steps[batch]->memory.peak_bytes);
    }
  };
  add(options.train_batches, true, plan.train);
  add(options.eval_batches, false, plan.eval);
  if (plan.train.empty() && plan.eval.empty()) {
    throw Error(ErrorCode::invalid_argument, "[session] no batch size to plan for");
  }
  const auto& any = plan.train.empty() ? plan.eval.begin()->second : plan.train.begin()->second;
  plan.store = ParameterStore(any->model.graph);
  if (!plan.train.empty()) {
    add_optimizer_state(options.optimizer, plan.store);
  }
  return plan;
}

TrainingSession::TrainingSession(SessionPlan plan, SessionOptions options, DeviceRuntime& runtime)
    : plan_(require_room(std::move(plan), options, runtime)),
      options_(std::move(options)),
      runtime_(runtime),
      stream_(runtime.stream().with_float_math(options_.float_math)),
      arena_(runtime, plan_.total_bytes()),
      results_(std::make_unique<ResultQueue>(runtime)) {
  bind_parameters();
  plan_.store.initialize(options_.seed);
  upload_parameters();
  std::byte* step_base = arena_.at(plan_.store.bytes() + kPlanAlignment);
  for (const auto& [batch, step] : plan_.train) {
    Step& bound = train_[batch];
    bound.executor =
        std::make_unique<Executor>(step, device_parameters_, step_base, stream_.device());
    bound.optimizer =
        std::make_unique<Optimizer>(options_.optimizer, device_parameters_, *bound.executor);
  }
  for (const auto& [batch, step] : plan_.eval) {
    eval_[batch].executor =
        std::make_unique<Executor>(step, device_parameters_, step_base, stream_.device());
  }
}

TrainingSession::~TrainingSession() = default;

TensorView TrainingSession::loss_sum() const {
  return {arena_.at(plan_.store.bytes()), Shape{}, DType::f32, stream_.device()};
}

void TrainingSession::bind_parameters() {
  device_parameters_ = plan_.store;
  device_parameters_.bind(arena_.at(0), stream_.device());
  if (runtime_.shares_host_memory()) {
    plan_.store.bind(arena_.at(0), stream_.device());
  } else {
    host_parameters_.resize(static_cast<std::size_t>(plan_.store.bytes()));
    plan_.store.bind(host_parameters_.data(), Device{});
  }
}

const ParameterStore& TrainingSession::parameters() const {
  if (!runtime_.shares_host_memory()) {
    runtime_.download(plan_.store.base(), device_parameters_.base(), plan_.store.bytes());
    runtime_.synchronize();
  }
  return plan_.store;
}

void TrainingSession::upload_parameters() {
  plan_.store.round_copies();
  if (!runtime_.shares_host_memory()) {
    runtime_.upload(device_parameters_.base(), plan_.store.base(), plan_.store.bytes());
  }
  kernels::run(stream_, kernels::Fill{loss_sum(), 0.0F});
}

void TrainingSession::upload(const TensorView& input, const void* host) {
  const auto bytes = static_cast<std::int64_t>(dtype_bytes(input.dtype));
  runtime_.upload(input.data, host, input.shape.elements() * bytes);
}

TensorView TrainingSession::Step::images() const {
  return executor->view(executor->plan().model.images);
}

TensorView TrainingSession::Step::labels() const {
  return executor->view(executor->plan().model.labels);
}

TrainingSession::Step& TrainingSession::executor(Steps& steps, std::int64_t batch) {
  const auto found = steps.find(batch);
  if (found == steps.end()) {
    throw Error(ErrorCode::invalid_argument,
                "[session] no step was planned for a batch of " + std::to_string(batch));
  }
  return found->second;
}

// The first run of a step is an ordinary one, which lets kernels set themselves up; the second is
// recorded, and from then on the recording is replayed.
void TrainingSession::run(Step& step, std::int64_t global_step) {
  const auto number = static_cast<std::uint64_t>(global_step);
  Executor& executor = *step.executor;
  if (profiling_) {
    executor.run_profiled(runtime_, stream_, options_.seed, number, profile_);
  } else if (!runtime_.can_capture() || !executor.replayable() || !step.has_run) {
    executor.run(stream_, options_.seed, number);
    step.has_run = true;
  } else {
    if (step.calls == nullptr) {
      step.calls = runtime_.capture([&] { executor.run(stream_, options_.seed, number); });
    }
    step.calls->launch();
  }
  bytes_copied_ += executor.bytes_copied();
}

void TrainingSession::queue_train_step(std::int64_t batch, double learning_rate,
                                       std::int64_t global_step) {
  Step& step = executor(train_, batch);
  run(step, global_step);
  const ModelGraph& model = step.executor->plan().model;
  const TensorView& loss = step.executor->view(model.loss);
  // Once a loss is not finite, neither is the sum, and the updates of all later steps, which may
  // have been queued already, leave the weights alone: they stay the last good ones.
  kernels::run(stream_, kernels::Copy{loss, loss_sum(), GradMode::accumulate});
  step.optimizer->step(stream_, learning_rate, global_step + 1, loss_sum().f32());
  results_->push(loss.f32(), step.executor->view(model.correct).f32());
}

void TrainingSession::queue_eval_step(std::int64_t batch) {
  Step& step = executor(eval_, batch);
  run(step, 0);
  const ModelGraph& model = step.executor->plan().model;
  results_->push(step.executor->view(model.loss).f32(), step.executor->view(model.correct).f32());
}

const std::vector<StepResult>& TrainingSession::results(std::size_t pending) {
  return results_->take(pending);
}

StepResult TrainingSession::train_step(std::int64_t batch, double learning_rate,
                                       std::int64_t global_step) {
  queue_train_step(batch, learning_rate, global_step);
  return results().back();
}

StepResult TrainingSession::eval_step(std::int64_t batch) {
  queue_eval_step(batch);
  return results().back();
}

std::int64_t TrainingSession::peak_bytes() const {
  std::int64_t peak = 0;
  for (const Steps* steps : {&train_, &eval_}) {
    for (const auto& [batch, step] : *steps) {
      peak = std::max(peak, step.executor->high_water_bytes());
    }
  }
  return plan_.store.bytes() + kPlanAlignment + peak;
}

}  // namespace accrete
