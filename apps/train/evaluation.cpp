// SPDX-License-Identifier: Apache-2.0
#include "evaluation.h"

#include "interrupt.h"
#include "steps_under_way.h"

namespace accrete::apps {

std::optional<EpochSums> evaluate(TrainingSession& session, BatchSource& batches) {
  EpochSums sums;
  StepsUnderWay under_way;
  const auto add = [&](const StepResult& result, std::int64_t size) { sums.add(result, size); };
  batches.start_epoch(0, 0);
  while (const std::int64_t size = batches.next(session)) {
    session.queue_eval_step(size);
    under_way.add(size);
    under_way.take_results(session, StepsUnderWay::kMost, add);
    if (interrupt_signal() != 0) {
      under_way.take_results(session, 0, add);
      return std::nullopt;
    }
  }
  under_way.take_results(session, 0, add);
  return sums;
}

}  // namespace accrete::apps
