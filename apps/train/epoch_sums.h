// SPDX-License-Identifier: Apache-2.0
// Loss and accuracy over the images of an epoch.
#pragma once

#include <cstdint>

#include "accrete/engine/training_session.h"

namespace accrete::apps {

struct EpochSums {
  double loss = 0.0;
  std::int64_t correct = 0;
  std::int64_t samples = 0;

  void add(const StepResult& result, std::int64_t batch) {
    loss += result.loss * static_cast<double>(batch);
    correct += result.correct;
    samples += batch;
  }
  double mean_loss() const { return loss / static_cast<double>(samples); }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

}  // namespace accrete::apps
