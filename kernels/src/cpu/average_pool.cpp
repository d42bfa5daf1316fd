// SPDX-License-Identifier: Apache-2.0
// Average pooling. Backward gathers: each input pixel adds up the windows that cover it.
#include <array>

#include "cpu/pool.h"
#include "cpu/pool_windows.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/average_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// What an average divides by.
HWY_INLINE float window_weight(const PoolProblem& problem, const Span& r_taps, const Span& s_taps) {
  const std::int64_t taps =
      problem.count_padding ? problem.R * problem.S : r_taps.length() * s_taps.length();
  return 1.0F / static_cast<float>(taps);
}

struct AverageTaps {
  std::array<const float*, kMaxPoolTaps> x;
  std::int64_t count = 0;
};

HWY_INLINE void mean_of_taps(const AverageTaps& taps, float weight, std::int64_t channels,
                             float* y) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto sum = io.load(taps.x[0] + c);
    for (std::int64_t i = 1; i < taps.count; ++i) {
      sum = hn::Add(sum, io.load(taps.x[static_cast<std::size_t>(i)] + c));
    }
    io.store(hn::Mul(sum, hn::Set(io.d, weight)), y + c);
  });
}

void average_pool_lines(const PoolProblem& problem, const Span& lines, const ConstRows& x,
                        const Rows& y) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  AverageTaps taps;
  for (std::int64_t line = lines.begin; line < lines.end; ++line) {
    const std::int64_t p = line % vertical.output;
    const std::int64_t top =
        line / vertical.output * problem.H + p * problem.stride_h - problem.pad_h;
    const Span r_taps = vertical.taps(p);
    for (std::int64_t q = 0; q < horizontal.output; ++q) {
      const std::int64_t left = q * problem.stride_w - problem.pad_w;
      const Span s_taps = horizontal.taps(q);
      taps.count = 0;
      for (std::int64_t r = r_taps.begin; r < r_taps.end; ++r) {
        for (std::int64_t s = s_taps.begin; s < s_taps.end; ++s) {
          taps.x[static_cast<std::size_t>(taps.count++)] =
              x.at((top + r) * problem.W + left + s, 0);
        }
      }
      mean_of_taps(taps, window_weight(problem, r_taps, s_taps), problem.C,
                   y.at(line * horizontal.output + q, 0));
    }
  }
}

struct AverageWindow {
  const float* grad_y;
  float weight;
};

struct AverageWindows {
  std::array<AverageWindow, kMaxPoolTaps> window;
  std::int64_t count = 0;
};

template <GradMode kMode>
HWY_INLINE void gather_gradient(const AverageWindows& windows, std::int64_t channels,
                                float* grad_x) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto sum = hn::Zero(io.d);
    for (std::int64_t i = 0; i < windows.count; ++i) {
      const AverageWindow& window = windows.window[static_cast<std::size_t>(i)];
      sum = hn::MulAdd(io.load(window.grad_y + c), hn::Set(io.d, window.weight), sum);
    }
    if constexpr (kMode == GradMode::accumulate) {
      sum = hn::Add(io.load(grad_x + c), sum);
    }
    io.store(sum, grad_x + c);
  });
}

void average_pool_gradient_lines(const PoolProblem& problem, const Span& lines,
                                 const ConstRows& grad_y, const Rows& grad_x, GradMode mode) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  AverageWindows windows;
  for (std::int64_t line = lines.begin; line < lines.end; ++line) {
    const std::int64_t top = line / vertical.input * vertical.output;
    const Span p_span = vertical.windows(line % vertical.input);
    for (std::int64_t w = 0; w < horizontal.input; ++w) {
      const Span q_span = horizontal.windows(w);
      windows.count = 0;
      for (std::int64_t p = p_span.begin; p < p_span.end; ++p) {
        for (std::int64_t q = q_span.begin; q < q_span.end; ++q) {
          windows.window[static_cast<std::size_t>(windows.count++)] = {
              grad_y.at((top + p) * horizontal.output + q, 0),
              window_weight(problem, vertical.taps(p), horizontal.taps(q))};
        }
      }
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

HWY_EXPORT(average_pool_lines);
HWY_EXPORT(average_pool_gradient_lines);

void average_pool_forward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& x,
                          const TensorView& y) {
  const LineTasks tasks(problem.N * problem.P(), problem.Q() * problem.C);
  const ConstRows from(x);
  const Rows to(y);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(average_pool_lines)(problem, tasks.task(task), from, to);
  });
}

void average_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                           const ConstTensorView& grad_y, const TensorView& grad_x, GradMode mode) {
  const LineTasks tasks(problem.N * problem.H, problem.W * problem.C);
  const ConstRows from(grad_y);
  const Rows to(grad_x);
  pool.parallel_for(tasks.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(average_pool_gradient_lines)(problem, tasks.task(task), from, to, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
