// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/lr_schedule.h"

#include <algorithm>
#include <cmath>

namespace accrete {
namespace {

constexpr double kPi = 3.141592653589793;

// Half a cosine from `from` (progress 0) to `to` (progress 1).
double cosine_between(double from, double to, double progress) {
  return to + (from - to) * 0.5 * (1.0 + std::cos(kPi * progress));
}

double one_cycle(const Schedule& schedule, double peak, std::int64_t step, std::int64_t total) {
  const double start = peak / schedule.div_factor;
  const double end = start / schedule.final_div_factor;
  const double last = static_cast<double>(std::max<std::int64_t>(total - 1, 1));
  const double turn = std::max(schedule.warmup_fraction * static_cast<double>(total) - 1.0, 0.0);
  const auto now = static_cast<double>(step);
  if (now <= turn && turn > 0.0) {
    return cosine_between(start, peak, now / turn);
  }
  return cosine_between(peak, end, std::min((now - turn) / std::max(last - turn, 1.0), 1.0));
}

}  // namespace

double learning_rate(const Schedule& schedule, double peak, std::int64_t step,
                     std::int64_t total_steps) {
  if (schedule.kind == ScheduleKind::one_cycle) {
    return one_cycle(schedule, peak, step, total_steps);
  }
  if (step < schedule.warmup_steps) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps);
  }
  const auto remaining =
      static_cast<double>(std::max<std::int64_t>(total_steps - schedule.warmup_steps, 1));
  const double progress = static_cast<double>(step - schedule.warmup_steps) / remaining;
  switch (schedule.kind) {
    case ScheduleKind::step: {
      const auto passed = std::count_if(schedule.milestones.begin(), schedule.milestones.end(),
                                        [&](double at) { return progress >= at; });
      return peak * std::pow(schedule.gamma, static_cast<double>(passed));
    }
    case ScheduleKind::cosine:
      return cosine_between(peak, peak * schedule.final_fraction, progress);
    default:
      return peak;
  }
}

}  // namespace accrete
