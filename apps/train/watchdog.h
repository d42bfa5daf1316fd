// SPDX-License-Identifier: Apache-2.0
// Watches that the numbers of a run stay numbers. Each check throws Error(diverged), which says
// what is NaN or infinite, where, what to change and which checkpoint is the last good one.
#pragma once

#include <cstdint>
#include <string>

#include "accrete/engine/checkpoint.h"

namespace accrete::apps {

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
