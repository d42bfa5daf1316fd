// SPDX-License-Identifier: Apache-2.0
#include "result_queue.h"

#include <cmath>

namespace accrete {

ResultQueue::ResultQueue(DeviceRuntime& runtime)
    : runtime_(runtime), slots_(static_cast<Slot*>(runtime.allocate_host(kSlots * sizeof(Slot)))) {
  results_.reserve(kSlots);
  taken_.reserve(kSlots);
}

ResultQueue::~ResultQueue() {
  for (const auto& fence : fences_) {
    if (fence != nullptr) {
      fence->wait();  // the device may still write
    }
  }
  runtime_.release_host(slots_);
}

void ResultQueue::push(const float* loss, const float* correct) {
  if (pushed_ - finished_ == kSlots) {
    finish_oldest();
  }
  const std::size_t index = pushed_ % kSlots;
  Slot& slot = slots_[index];
  runtime_.download(&slot.loss, loss, sizeof(slot.loss));
  runtime_.download(&slot.correct, correct, sizeof(slot.correct));
  fences_[index] = runtime_.fence();
  ++pushed_;
}

void ResultQueue::finish_oldest() {
  const std::size_t index = finished_ % kSlots;
  if (fences_[index] != nullptr) {
    fences_[index]->wait();
    fences_[index].reset();
  }
  results_.push_back(
      {static_cast<double>(slots_[index].loss), std::llround(slots_[index].correct)});
  ++finished_;
}

const std::vector<StepResult>& ResultQueue::take(std::size_t pending) {
  while (pushed_ - finished_ > pending) {
    finish_oldest();
  }
  taken_.clear();
  taken_.swap(results_);
  return taken_;
}

}  // namespace accrete
