// SPDX-License-Identifier: Apache-2.0
// Losses on their way to the host: the device copies them behind each step while the host queues
// further ones.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "accrete/engine/training_session.h"
#include "accrete/kernels/device_runtime.h"

namespace accrete {

class ResultQueue {
 public:
  explicit ResultQueue(DeviceRuntime& runtime);
  ~ResultQueue();
  ResultQueue(const ResultQueue&) = delete;
  ResultQueue& operator=(const ResultQueue&) = delete;

  /// Queues the copy of two f32 numbers in device memory.
  void push(const float* loss, const float* correct);
  /// Results not taken before, in order, valid until the next call; waits until at most `pending`
  /// are still under way.
  const std::vector<StepResult>& take(std::size_t pending);

 private:
  static constexpr std::size_t kSlots = 16;
  struct Slot {
    float loss;
    float correct;
  };
  void finish_oldest();

  DeviceRuntime& runtime_;
  Slot* slots_;  // kSlots of them
  std::array<std::unique_ptr<Fence>, kSlots> fences_;
  std::size_t pushed_ = 0;
  std::size_t finished_ = 0;
  std::vector<StepResult> results_;  // finished, not yet taken
  std::vector<StepResult> taken_;
};

}  // namespace accrete
