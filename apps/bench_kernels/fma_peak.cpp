// SPDX-License-Identifier: Apache-2.0
#define HWY_DISABLED_TARGETS (HWY_SSE4 | HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fma_peak.cpp"
#include "hwy/foreach_target.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"
#include "yardsticks.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 12 chains cover the latency of the fused multiply-add and fit in 16 registers.
constexpr std::size_t kChains = 12;
using Tag = hn::ScalableTag<float>;

template <std::size_t... I>
HWY_INLINE void step(hn::Vec<Tag>* sum, hn::Vec<Tag> a, hn::Vec<Tag> b, std::index_sequence<I...>) {
  ((sum[I] = hn::MulAdd(a, b, sum[I])), ...);
}

/// Does `rounds` rounds of chained multiply-adds; returns the number of operations.
HWY_NOINLINE double spin(std::int64_t rounds, float* sink) {
  const Tag d;
  constexpr auto kAll = std::make_index_sequence<kChains>();
  // Different starting values keep the compiler from merging the chains.
  hn::Vec<Tag> sum[kChains];
  for (std::size_t i = 0; i < kChains; ++i) {
    sum[i] = hn::Set(d, *sink * static_cast<float>(i));
  }
  const auto a = hn::Set(d, *sink);
  for (std::int64_t i = 0; i < rounds; ++i) {
    step(sum, a, a, kAll);
  }
  for (const auto& s : sum) {
    *sink += hn::GetLane(s);
  }
  return 2.0 * static_cast<double>(rounds) * static_cast<double>(kChains * hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::bench {

HWY_EXPORT(spin);

double fma_peak(ThreadPool& pool) {
  constexpr std::int64_t kRounds = 1 << 21;
  constexpr std::int64_t kTasksPerThread = 4;
  constexpr int kTries = 10;
  const std::int64_t tasks = kTasksPerThread * pool.size();
  const auto kernel = HWY_DYNAMIC_DISPATCH(spin);
  double best = 0.0;
  for (int i = 0; i < kTries; ++i) {
    double operations = 0.0;
    const auto begin = std::chrono::steady_clock::now();
    pool.parallel_for(tasks, [&](std::int64_t task) {
      float sink = 0.5F;
      const double done = kernel(kRounds, &sink);
      if (task == 0) {
        operations = done;
      }
    });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    best = std::max(best, operations * static_cast<double>(tasks) / elapsed.count());
  }
  return best;
}

}  // namespace accrete::bench
#endif
