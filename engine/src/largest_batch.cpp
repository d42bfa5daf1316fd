// SPDX-License-Identifier: Apache-2.0
// A plan grows with the batch, so the largest batch that fits is found by doubling and bisection.
#include "accrete/engine/training_session.h"

namespace accrete {

std::int64_t largest_batch(const ModelBuilder& builder, SessionOptions options,
                           std::int64_t bytes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  const auto fits = [&](std::int64_t batch) {
    options.train_batches = options.eval_batches = {batch};
    return plan_session(builder, options).total_bytes() <= bytes;
  };
  std::int64_t low = 0;
  std::int64_t high = 1;
  while (high < kMost && fits(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace accrete
