// SPDX-License-Identifier: Apache-2.0
#include "watchdog.h"

#include "accrete/kernels/error.h"
#include "accrete/kernels/finite.h"

namespace accrete::apps {

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
