// SPDX-License-Identifier: Apache-2.0
// Learning rate as a pure function of the step.
#pragma once

#include <cstdint>
#include <vector>

namespace accrete {

enum class ScheduleKind : std::uint8_t { constant, step, cosine, one_cycle };

struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  /// Linear ramp from 0 over the first steps (reaching the full rate at step `warmup_steps`); the
  /// rest of the schedule covers the remaining steps. Not used by one_cycle.
  std::int64_t warmup_steps = 0;
  // step: multiply by `gamma` at each fraction of the training
  std::vector<double> milestones;  ///< fractions in (0, 1), ascending
  double gamma = 0.1;
  // cosine: from the full rate to this fraction of it (Loshchilov & Hutter 2017, without restarts)
  double final_fraction = 0.0;
  // one_cycle (Smith & Topin 2018, cosine form): peak/div_factor -> peak over `warmup_fraction` of
  // the steps -> peak/div_factor/final_div_factor
  double warmup_fraction = 0.3;
  double div_factor = 25.0;
  double final_div_factor = 1e4;
};

/// Rate of step `step` in [0, total_steps); `peak` is the spec's learning rate.
double learning_rate(const Schedule& schedule, double peak, std::int64_t step,
                     std::int64_t total_steps);

}  // namespace accrete
