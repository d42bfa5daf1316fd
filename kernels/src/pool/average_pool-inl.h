// SPDX-License-Identifier: Apache-2.0
// The windows of average pooling. Backward gathers: each input pixel adds up the windows that
// cover it.
#if defined(ACCRETE_KERNELS_CPU_AVERAGE_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_AVERAGE_POOL_INL_H_
#undef ACCRETE_KERNELS_CPU_AVERAGE_POOL_INL_H_
#else
#define ACCRETE_KERNELS_CPU_AVERAGE_POOL_INL_H_
#endif

#include <array>

#include "cpu/row_parts-inl.h"
#include "pool/pool_windows.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// What an average divides by.
HWY_INLINE float window_weight(const PoolProblem& problem, const Span& r_taps, const Span& s_taps) {
  const std::int64_t taps =
      problem.count_padding ? problem.R * problem.S : r_taps.length() * s_taps.length();
  return 1.0F / static_cast<float>(taps);
}

template <class T>
struct AverageTaps {
  std::array<const T*, kMaxPoolTaps> x;
  std::int64_t count = 0;
};

template <class T, class Load>
HWY_INLINE void mean_of_taps(const AverageTaps<T>& taps, const Load& x, float weight,
                             std::int64_t channels, T* y) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto sum = x.load(io, taps.x[0], c);
    for (std::int64_t i = 1; i < taps.count; ++i) {
      sum = hn::Add(sum, x.load(io, taps.x[static_cast<std::size_t>(i)], c));
    }
    io.store(hn::Mul(sum, hn::Set(io.d, weight)), y + c);
  });
}

template <class T, class Load>
void average_pool_lines(const PoolProblem& problem, const PoolTile& tile, const ConstRows<T>& x,
                        const Load& load, const Rows<T>& y) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  AverageTaps<T> taps;
  for (std::int64_t line = tile.lines.begin; line < tile.lines.end; ++line) {
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
              x.at((top + r) * problem.W + left + s, tile.channel);
        }
      }
      mean_of_taps(taps, load, window_weight(problem, r_taps, s_taps), tile.channels,
                   y.at(line * horizontal.output + q, tile.channel));
    }
  }
}

template <class T>
struct AverageWindow {
  const T* grad_y;
  float weight;
};

template <class T>
struct AverageWindows {
  std::array<AverageWindow<T>, kMaxPoolTaps> window;
  std::int64_t count = 0;
};

template <class T, class Store>
HWY_INLINE void gather_average_gradient(const AverageWindows<T>& windows, std::int64_t pixel,
                                        std::int64_t channels, Store& store) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto sum = hn::Zero(io.d);
    for (std::int64_t i = 0; i < windows.count; ++i) {
      const AverageWindow<T>& window = windows.window[static_cast<std::size_t>(i)];
      sum = hn::MulAdd(io.load(window.grad_y + c), hn::Set(io.d, window.weight), sum);
    }
    store.put(io, pixel, c, sum);
  });
}

template <class T, class Store>
void average_pool_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                                 const ConstRows<T>& grad_y, Store& store) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  AverageWindows<T> windows;
  for (std::int64_t line = tile.lines.begin; line < tile.lines.end; ++line) {
    const std::int64_t top = line / vertical.input * vertical.output;
    const Span p_span = vertical.windows(line % vertical.input);
    for (std::int64_t w = 0; w < horizontal.input; ++w) {
      const Span q_span = horizontal.windows(w);
      windows.count = 0;
      for (std::int64_t p = p_span.begin; p < p_span.end; ++p) {
        for (std::int64_t q = q_span.begin; q < q_span.end; ++q) {
          windows.window[static_cast<std::size_t>(windows.count++)] = {
              grad_y.at((top + p) * horizontal.output + q, tile.channel),
              window_weight(problem, vertical.taps(p), horizontal.taps(q))};
        }
      }
      gather_average_gradient(windows, line * horizontal.input + w, tile.channels, store);
    }
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
