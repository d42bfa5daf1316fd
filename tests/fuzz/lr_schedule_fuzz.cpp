// SPDX-License-Identifier: Apache-2.0
// Learning rates of every schedule that a spec can describe: finite, from 0 to the highest.
#include "accrete/engine/lr_schedule.h"

#include <fuzzer/FuzzedDataProvider.h>
#include <algorithm>
#include <cmath>

#include "fuzz/fuzz_target.h"

namespace {

using accrete::Schedule;
using accrete::ScheduleKind;

constexpr std::int64_t kMostStepsOfEpoch = 1'000'000'000;
constexpr std::int64_t kMostEpochs = 1'000'000;

// With the ranges of models/SPEC.md.
Schedule any_schedule(FuzzedDataProvider& input) {
  Schedule schedule;
  schedule.kind = static_cast<ScheduleKind>(input.ConsumeIntegralInRange(0, 3));
  const int milestones = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < milestones; ++i) {
    schedule.milestones.push_back(input.ConsumeFloatingPointInRange(0.0, 1.0));
  }
  schedule.gamma = input.ConsumeFloatingPointInRange(0.0, 1.0);
  schedule.final_fraction = input.ConsumeFloatingPointInRange(0.0, 1.0);
  schedule.warmup_fraction = input.ConsumeFloatingPointInRange(0.0, 1.0);
  schedule.div_factor = input.ConsumeFloatingPointInRange(1.0, 1e9);
  schedule.final_div_factor = input.ConsumeFloatingPointInRange(1.0, 1e12);
  return schedule;
}

// Any step, often the first or the last one.
std::int64_t any_step(FuzzedDataProvider& input, std::int64_t total) {
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return 0;
    case 1:
      return total - 1;
    default:
      return input.ConsumeIntegralInRange<std::int64_t>(0, total - 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Schedule schedule = any_schedule(input);
  const auto steps = input.ConsumeIntegralInRange<std::int64_t>(1, kMostStepsOfEpoch);
  const std::int64_t total = steps * input.ConsumeIntegralInRange<std::int64_t>(1, kMostEpochs);
  const double warmup_epochs = input.ConsumeFloatingPointInRange(0.0, 1e6);
  schedule.warmup_steps = std::llround(warmup_epochs * static_cast<double>(steps));
  const double peak = input.ConsumeFloatingPointInRange(0.0, 1e6);
  const double rate = accrete::learning_rate(schedule, peak, any_step(input, total), total);
  const double rounding = 1e-9 * peak;
  accrete::fuzz::require(rate >= -rounding && rate <= peak + rounding, "a rate out of its range");
  return 0;
}
