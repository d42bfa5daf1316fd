// SPDX-License-Identifier: Apache-2.0
// Max pooling. Backward gathers: each input pixel looks at the windows that cover it, so that no
// two tasks write the same element.
#include <array>

#include "cpu/pool.h"
#include "cpu/pool_windows.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/max_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

struct MaxTap {
  const float* x;
  std::int32_t index;
};

struct MaxTaps {
  std::array<MaxTap, kMaxPoolTaps> tap;
  std::int64_t count = 0;
};

template <class Access>
struct Maximum {
  typename Access::V value;
  hn::Vec<typename Access::Int> index;
};

// First maximum in raster order of taps without NaN, except that a NaN in the first tap stays.
// `total`, the sum of the taps, is NaN where there was any NaN.
template <class Access>
HWY_INLINE Maximum<Access> max_of_numbers(const Access& io, const MaxTaps& taps, std::int64_t c,
                                          typename Access::V& total) {
  const typename Access::Int di;
  Maximum<Access> best{io.load(taps.tap[0].x + c), hn::Set(di, taps.tap[0].index)};
  total = best.value;
  for (std::int64_t i = 1; i < taps.count; ++i) {
    const MaxTap& tap = taps.tap[static_cast<std::size_t>(i)];
    const auto value = io.load(tap.x + c);
    const auto take = hn::Gt(value, best.value);
    total = hn::Add(total, value);
    best.value = hn::IfThenElse(take, value, best.value);
    best.index = hn::IfThenElse(hn::RebindMask(di, take), hn::Set(di, tap.index), best.index);
  }
  return best;
}

// The same where there may be NaN: the first one beats everything and is never replaced.
template <class Access>
HWY_INLINE Maximum<Access> max_with_nan(const Access& io, const MaxTaps& taps, std::int64_t c) {
  const typename Access::Int di;
  Maximum<Access> best{io.load(taps.tap[0].x + c), hn::Set(di, taps.tap[0].index)};
  for (std::int64_t i = 1; i < taps.count; ++i) {
    const MaxTap& tap = taps.tap[static_cast<std::size_t>(i)];
    const auto value = io.load(tap.x + c);
    const auto take = hn::AndNot(hn::Le(value, best.value), hn::Eq(best.value, best.value));
    best.value = hn::IfThenElse(take, value, best.value);
    best.index = hn::IfThenElse(hn::RebindMask(di, take), hn::Set(di, tap.index), best.index);
  }
  return best;
}

template <bool kWinner>
HWY_INLINE void max_of_taps(const MaxTaps& taps, std::int64_t channels, float* y,
                            std::uint8_t* winner) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto total = hn::Zero(io.d);
    auto best = max_of_numbers(io, taps, c, total);
    if (HWY_UNLIKELY(!hn::AllTrue(io.d, hn::Eq(total, total)))) {
      best = max_with_nan(io, taps, c);
    }
    io.store(best.value, y + c);
    if constexpr (kWinner) {
      io.store_bytes(best.index, winner + c);
    }
  });
}

HWY_INLINE void list_taps(const PoolProblem& problem, const ConstRows& x, std::int64_t n,
                          std::int64_t p, const Span& r_taps, std::int64_t q, const Span& s_taps,
                          MaxTaps& taps) {
  taps.count = 0;
  for (std::int64_t r = r_taps.begin; r < r_taps.end; ++r) {
    const std::int64_t line =
        (n * problem.H + p * problem.stride_h - problem.pad_h + r) * problem.W;
    for (std::int64_t s = s_taps.begin; s < s_taps.end; ++s) {
      const std::int64_t pixel = line + q * problem.stride_w - problem.pad_w + s;
      taps.tap[static_cast<std::size_t>(taps.count++)] = {
          x.at(pixel, 0), static_cast<std::int32_t>(r * problem.S + s)};
    }
  }
}

void max_pool_lines(const PoolProblem& problem, const Span& lines, const ConstRows& x,
                    const Rows& y, std::uint8_t* winner) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  MaxTaps taps;
  for (std::int64_t line = lines.begin; line < lines.end; ++line) {
    const std::int64_t p = line % vertical.output;
    const Span r_taps = vertical.taps(p);
    for (std::int64_t q = 0; q < horizontal.output; ++q) {
      list_taps(problem, x, line / vertical.output, p, r_taps, q, horizontal.taps(q), taps);
      const std::int64_t pixel = line * horizontal.output + q;
      if (winner != nullptr) {
        max_of_taps<true>(taps, problem.C, y.at(pixel, 0), winner + pixel * problem.C);
      } else {
        max_of_taps<false>(taps, problem.C, y.at(pixel, 0), nullptr);
      }
    }
  }
}

// A window over the pixel in hand, and the winner that means this pixel.
struct MaxWindow {
  const float* grad_y;
  const std::uint8_t* winner;
  std::int32_t index;
};

struct MaxWindows {
  std::array<MaxWindow, kMaxPoolTaps> window;
  std::int64_t count = 0;
};

template <GradMode kMode>
HWY_INLINE void gather_gradient(const MaxWindows& windows, std::int64_t channels, float* grad_x) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const typename std::decay_t<decltype(io)>::Int di;
    auto sum = hn::Zero(io.d);
    for (std::int64_t i = 0; i < windows.count; ++i) {
      const MaxWindow& window = windows.window[static_cast<std::size_t>(i)];
      const auto won = hn::Eq(io.load_bytes(window.winner + c), hn::Set(di, window.index));
      const auto gradient = io.load(window.grad_y + c);
      sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(io.d, won), gradient));
    }
    if constexpr (kMode == GradMode::accumulate) {
      sum = hn::Add(io.load(grad_x + c), sum);
    }
    io.store(sum, grad_x + c);
  });
}

HWY_INLINE void list_windows(const PoolProblem& problem, const ConstRows& grad_y,
                             const std::uint8_t* winner, std::int64_t n, std::int64_t h,
                             const Span& p_span, std::int64_t w, const Span& q_span,
                             MaxWindows& windows) {
  windows.count = 0;
  for (std::int64_t p = p_span.begin; p < p_span.end; ++p) {
    const std::int64_t r = h + problem.pad_h - p * problem.stride_h;
    for (std::int64_t q = q_span.begin; q < q_span.end; ++q) {
      const std::int64_t s = w + problem.pad_w - q * problem.stride_w;
      const std::int64_t pixel = (n * problem.P() + p) * problem.Q() + q;
      windows.window[static_cast<std::size_t>(windows.count++)] = {
          grad_y.at(pixel, 0), winner + pixel * problem.C,
          static_cast<std::int32_t>(r * problem.S + s)};
    }
  }
}

void max_pool_gradient_lines(const PoolProblem& problem, const Span& lines, const ConstRows& grad_y,
                             const std::uint8_t* winner, const Rows& grad_x, GradMode mode) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  MaxWindows windows;
  for (std::int64_t line = lines.begin; line < lines.end; ++line) {
    const std::int64_t h = line % vertical.input;
    const Span p_span = vertical.windows(h);
    for (std::int64_t w = 0; w < horizontal.input; ++w) {
      list_windows(problem, grad_y, winner, line / vertical.input, h, p_span, w,
                   horizontal.windows(w), windows);
      float* to = grad_x.at(line * horizontal.input + w, 0);
      if (mode == GradMode::overwrite) {
        gather_gradient<GradMode::overwrite>(windows, problem.C, to);
      } else {
        gather_gradient<GradMode::accumulate>(windows, problem.C, to);
      }
    }
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(max_pool_lines);
HWY_EXPORT(max_pool_gradient_lines);

void max_pool_forward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& x,
                      const TensorView& y, const TensorView& winner) {
  const LineTasks tasks(problem.N * problem.P(), problem.Q() * problem.C);
  const ConstRows from(x);
  const Rows to(y);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(max_pool_lines)(problem, tasks.task(task), from, to, winner.u8());
  });
}

void max_pool_backward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& grad_y,
                       const ConstTensorView& winner, const TensorView& grad_x, GradMode mode) {
  const LineTasks tasks(problem.N * problem.H, problem.W * problem.C);
  const ConstRows from(grad_y);
  const Rows to(grad_x);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(max_pool_gradient_lines)
    (problem, tasks.task(task), from, winner.u8(), to, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
