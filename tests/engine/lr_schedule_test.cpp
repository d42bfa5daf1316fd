// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/lr_schedule.h"

#include <cmath>

#include "support/catch.h"

namespace accrete {

TEST_CASE("constant with warm-up ramps linearly and stays") {
  Schedule schedule;
  schedule.warmup_steps = 4;
  CHECK(learning_rate(schedule, 0.8, 0, 100) == Approx(0.2));
  CHECK(learning_rate(schedule, 0.8, 3, 100) == Approx(0.8));
  CHECK(learning_rate(schedule, 0.8, 99, 100) == Approx(0.8));
}

TEST_CASE("step divides at the milestones") {
  Schedule schedule;
  schedule.kind = ScheduleKind::step;
  schedule.milestones = {0.5, 0.75};
  CHECK(learning_rate(schedule, 0.1, 49, 100) == Approx(0.1));
  CHECK(learning_rate(schedule, 0.1, 50, 100) == Approx(0.01));
  CHECK(learning_rate(schedule, 0.1, 75, 100) == Approx(0.001));
}

TEST_CASE("cosine goes from the full rate to its final fraction") {
  Schedule schedule;
  schedule.kind = ScheduleKind::cosine;
  schedule.final_fraction = 0.1;
  CHECK(learning_rate(schedule, 1.0, 0, 1000) == Approx(1.0));
  CHECK(learning_rate(schedule, 1.0, 500, 1000) == Approx(0.55));
  CHECK(learning_rate(schedule, 1.0, 999, 1000) == Approx(0.1).margin(1e-4));
}

TEST_CASE("one cycle rises to the peak and ends far below the start") {
  Schedule schedule;
  schedule.kind = ScheduleKind::one_cycle;
  const std::int64_t total = 1000;
  CHECK(learning_rate(schedule, 0.5, 0, total) == Approx(0.5 / 25));
  CHECK(learning_rate(schedule, 0.5, 299, total) == Approx(0.5));
  CHECK(learning_rate(schedule, 0.5, 999, total) == Approx(0.5 / 25 / 1e4));
  for (std::int64_t step = 1; step < total; ++step) {
    const double change =
        learning_rate(schedule, 0.5, step, total) - learning_rate(schedule, 0.5, step - 1, total);
    REQUIRE((step <= 299 ? change > 0.0 : change < 0.0));
  }
}

TEST_CASE("schedules survive runs of one step") {
  for (const ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::step, ScheduleKind::cosine,
                                  ScheduleKind::one_cycle}) {
    Schedule schedule;
    schedule.kind = kind;
    CHECK(std::isfinite(learning_rate(schedule, 0.1, 0, 1)));
  }
}

}  // namespace accrete
