// SPDX-License-Identifier: Apache-2.0
// What is known of an epoch when it is finished.
#pragma once

#include <cstdint>

namespace accrete::apps {

/// One line of metrics.jsonl. Equal runs have equal ones.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< finished epochs
  std::int64_t step = 0;   ///< finished optimizer steps
  double learning_rate = 0.0;
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double test_loss = 0.0;
  double test_accuracy = 0.0;
};

/// One line of timing.jsonl: what depends on the machine. Of an epoch that was interrupted, of the
/// part since the run went on.
struct EpochTiming {
  std::int64_t epoch = 0;  ///< finished epochs
  double examples_per_second = 0.0;
  double seconds = 0.0;  ///< training and test
  double data_wait_percent = 0.0;
};

}  // namespace accrete::apps
