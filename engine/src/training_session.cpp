// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/training_session.h"

#include <algorithm>
#include <cmath>

#include "accrete/kernels/error.h"

namespace accrete {

SessionPlan plan_session(const ModelBuilder& builder, const SessionOptions& options) {
  SessionPlan plan;
  auto add = [&](const std::vector<std::int64_t>& batches, bool training, auto& steps) {
    for (const std::int64_t batch : batches) {
      steps[batch] = std::make_shared<const StepPlan>(
          plan_step(builder(batch, training), training, options.passes, options.device));
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

TrainingSession::TrainingSession(SessionPlan plan, SessionOptions options, Stream stream)
    : plan_(std::move(plan)),
      options_(std::move(options)),
      stream_(stream),
      arena_(plan_.total_bytes()) {
  plan_.store.bind(arena_.at(0));
  plan_.store.initialize(options_.seed);
  std::byte* step_base = arena_.at(plan_.store.bytes());
  for (const auto& [batch, step] : plan_.train) {
    train_[batch].executor = std::make_unique<Executor>(step, plan_.store, step_base);
    train_[batch].optimizer =
        std::make_unique<Optimizer>(options_.optimizer, plan_.store, *train_[batch].executor);
  }
  for (const auto& [batch, step] : plan_.eval) {
    eval_[batch].executor = std::make_unique<Executor>(step, plan_.store, step_base);
  }
}

TensorView TrainingSession::Step::images() const {
  return executor->view(executor->plan().model.images);
}

TensorView TrainingSession::Step::labels() const {
  return executor->view(executor->plan().model.labels);
}

StepResult TrainingSession::Step::result() const {
  const ModelGraph& model = executor->plan().model;
  return {static_cast<double>(*executor->view(model.loss).f32()),
          std::llround(*executor->view(model.correct).f32())};
}

TrainingSession::Step& TrainingSession::executor(Steps& steps, std::int64_t batch) {
  const auto found = steps.find(batch);
  if (found == steps.end()) {
    throw Error(ErrorCode::invalid_argument,
                "[session] no step was planned for a batch of " + std::to_string(batch));
  }
  return found->second;
}

StepResult TrainingSession::train_step(std::int64_t batch, double learning_rate,
                                       std::int64_t global_step) {
  Step& step = executor(train_, batch);
  step.executor->run(stream_, options_.seed, static_cast<std::uint64_t>(global_step));
  bytes_copied_ += step.executor->bytes_copied();
  const StepResult result = step.result();
  // A diverged step must not reach the weights: the last checkpoint stays the last good state.
  if (std::isfinite(result.loss)) {
    step.optimizer->step(stream_, learning_rate, global_step + 1);
  }
  return result;
}

StepResult TrainingSession::eval_step(std::int64_t batch) {
  Step& step = executor(eval_, batch);
  step.executor->run(stream_, options_.seed, 0);
  bytes_copied_ += step.executor->bytes_copied();
  return step.result();
}

std::int64_t TrainingSession::peak_bytes() const {
  std::int64_t peak = 0;
  for (const Steps* steps : {&train_, &eval_}) {
    for (const auto& [batch, step] : *steps) {
      peak = std::max(peak, step.executor->high_water_bytes());
    }
  }
  return plan_.store.bytes() + peak;
}

}  // namespace accrete
