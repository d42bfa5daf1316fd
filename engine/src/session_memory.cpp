// SPDX-License-Identifier: Apache-2.0
// Plans held against the memory there is.
#include "accrete/engine/training_session.h"

#include <algorithm>
#include <string>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"

namespace accrete {
namespace {

std::string mebibytes(std::int64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

std::int64_t largest_of(const std::map<std::int64_t, std::shared_ptr<const StepPlan>>& steps) {
  return steps.empty() ? 0 : steps.rbegin()->first;
}

// Batches on their way to the steps of a plan.
CheckedSize bytes_beside(const SessionPlan& plan, const SessionOptions& options) {
  return CheckedSize(options.bytes_beside_per_image) *
         (CheckedSize(largest_of(plan.train)) + largest_of(plan.eval));
}

CheckedSize bytes_needed(const SessionPlan& plan, const SessionOptions& options) {
  return CheckedSize(plan.total_bytes()) + bytes_beside(plan, options);
}

// What a plan takes for a batch is all but proportional to it, so two plans tell nearly where the
// limit is; from there doubled steps find a bracket and bisection ends it.
class LargestBatch {
 public:
  LargestBatch(const ModelBuilder& builder, const SessionOptions& options, std::int64_t bytes)
      : builder_(builder), options_(options), bytes_(bytes) {}

  std::int64_t find() {
    if (!fits_with(1)) {
      return 0;
    }
    const std::int64_t first = needed_;
    const bool more = fits_with(kProbe);
    const std::int64_t slope = std::max<std::int64_t>((needed_ - first) / (kProbe - 1), 1);
    low_ = more ? kProbe : 1;
    high_ = more ? kMost + 1 : kProbe;
    bracket(std::clamp(1 + (bytes_ - first) / slope, low_, high_ - 1));
    while (high_ - low_ > 1) {
      try_batch((low_ + high_) / 2);
    }
    return low_;
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 20;
  static constexpr std::int64_t kProbe = 16;

  bool fits_with(std::int64_t batch) {
    options_.train_batches = options_.eval_batches = {batch};
    const CheckedSize needed = bytes_needed(plan_session(builder_, options_), options_);
    needed_ = needed.value_or(INT64_MAX);
    return needed.at_most(bytes_);
  }

  void try_batch(std::int64_t batch) {
    if (batch > low_ && batch < high_) {
      (fits_with(batch) ? low_ : high_) = batch;
    }
  }

  // Steps away from `guess` that double until the limit lies between two tries. What is outside of
  // what is known is not tried, which ends them, too.
  void bracket(std::int64_t guess) {
    try_batch(guess);
    const bool upwards = low_ == guess;
    for (std::int64_t step = 1; upwards ? low_ == guess : high_ == guess; step *= 2) {
      guess += upwards ? step : -step;
      try_batch(guess);
    }
  }

  const ModelBuilder& builder_;
  SessionOptions options_;
  std::int64_t bytes_;
  std::int64_t needed_ = 0;  // by the plan tried last
  std::int64_t low_ = 0;     // fits
  std::int64_t high_ = 0;    // does not
};

// "16 with recompute level 0, 20 with level 1": levels that make no difference are left out.
std::string batches_that_fit(const SessionPlan& plan, SessionOptions options, std::int64_t bytes) {
  std::string text;
  std::int64_t most = 0;
  for (options.recompute = plan.recompute; options.recompute < kRecomputeLevels;
       ++options.recompute) {
    const std::int64_t batch = largest_batch(plan.builder, options, bytes);
    if (batch > most) {
      most = batch;
      text += (text.empty() ? "" : ", ") + std::to_string(batch) + " with recompute level " +
              std::to_string(options.recompute);
    }
  }
  return text.empty() ? "not even a batch of 1 fits, with any recompute level"
                      : "the largest batch that fits, for training and evaluation, is " + text;
}

}  // namespace

SessionPlan plan_session_within(const ModelBuilder& builder, SessionOptions options,
                                std::int64_t budget_bytes) {
  std::string needs;
  for (options.recompute = 0; options.recompute < kRecomputeLevels; ++options.recompute) {
    SessionPlan plan = plan_session(builder, options);
    if (plan.total_bytes() <= budget_bytes) {
      return plan;
    }
    needs += (needs.empty() ? "" : ", ") + std::to_string(plan.total_bytes() >> 20);
  }
  throw Error(ErrorCode::out_of_memory, "[session] the budget is " + mebibytes(budget_bytes) +
                                            "; recompute levels 0, 1 and 2 need " + needs +
                                            " MiB; use a smaller batch size or a larger budget");
}

std::int64_t largest_batch(const ModelBuilder& builder, const SessionOptions& options,
                           std::int64_t bytes) {
  return LargestBatch(builder, options, bytes).find();
}

SessionPlan require_room(SessionPlan plan, const SessionOptions& options,
                         const DeviceRuntime& runtime) {
  const std::int64_t available = runtime.free_bytes();
  if (bytes_needed(plan, options).at_most(available)) {
    return plan;
  }
  const std::int64_t beside = bytes_beside(plan, options).value_or(INT64_MAX);
  throw Error(ErrorCode::out_of_memory,
              "[session] the plan needs " + mebibytes(plan.total_bytes()) +
                  (beside > 0 ? " and batches on their way " + mebibytes(beside) : "") + ", " +
                  runtime.description() + " has " + mebibytes(available) + " free; " +
                  batches_that_fit(plan, options, available));
}

}  // namespace accrete
