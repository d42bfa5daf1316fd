// SPDX-License-Identifier: Apache-2.0
// The windows of max pooling. Backward gathers: each input pixel looks at the windows that cover
// it, so that no two tasks write the same element.
#if defined(ACCRETE_KERNELS_CPU_MAX_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_MAX_POOL_INL_H_
#undef ACCRETE_KERNELS_CPU_MAX_POOL_INL_H_
#else
#define ACCRETE_KERNELS_CPU_MAX_POOL_INL_H_
#endif

#include <array>

#include "cpu/row_parts-inl.h"
#include "pool/pool_windows.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

template <class T>
struct MaxTap {
  const T* x;
  std::int32_t index;
};

template <class T>
struct MaxTaps {
  std::array<MaxTap<T>, kMaxPoolTaps> tap;
  std::int64_t count = 0;
};

template <class Access>
struct Maximum {
  typename Access::V value;
  hn::Vec<typename Access::Int> index;
};

// First maximum in raster order of taps without NaN, except that a NaN in the first tap stays.
// `total`, the sum of the taps, is NaN where there was any NaN.
template <class Access, class T, class Load>
HWY_INLINE Maximum<Access> max_of_numbers(const Access& io, const MaxTaps<T>& taps, const Load& x,
                                          std::int64_t c, typename Access::V& total) {
  const typename Access::Int di;
  Maximum<Access> best{x.load(io, taps.tap[0].x, c), hn::Set(di, taps.tap[0].index)};
  total = best.value;
  for (std::int64_t i = 1; i < taps.count; ++i) {
    const MaxTap<T>& tap = taps.tap[static_cast<std::size_t>(i)];
    const auto value = x.load(io, tap.x, c);
    const auto take = hn::Gt(value, best.value);
    total = hn::Add(total, value);
    best.value = hn::IfThenElse(take, value, best.value);
    best.index = hn::IfThenElse(hn::RebindMask(di, take), hn::Set(di, tap.index), best.index);
  }
  return best;
}

// The same where there may be NaN: the first one beats everything and is never replaced.
template <class Access, class T, class Load>
HWY_INLINE Maximum<Access> max_with_nan(const Access& io, const MaxTaps<T>& taps, const Load& x,
                                        std::int64_t c) {
  const typename Access::Int di;
  Maximum<Access> best{x.load(io, taps.tap[0].x, c), hn::Set(di, taps.tap[0].index)};
  for (std::int64_t i = 1; i < taps.count; ++i) {
    const MaxTap<T>& tap = taps.tap[static_cast<std::size_t>(i)];
    const auto value = x.load(io, tap.x, c);
    const auto take = hn::AndNot(hn::Le(value, best.value), hn::Eq(best.value, best.value));
    best.value = hn::IfThenElse(take, value, best.value);
    best.index = hn::IfThenElse(hn::RebindMask(di, take), hn::Set(di, tap.index), best.index);
  }
  return best;
}

template <bool kWinner, class T, class Load>
HWY_INLINE void max_of_taps(const MaxTaps<T>& taps, const Load& x, std::int64_t channels, T* y,
                            std::uint8_t* winner) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto total = hn::Zero(io.d);
    auto best = max_of_numbers(io, taps, x, c, total);
    if (HWY_UNLIKELY(!hn::AllTrue(io.d, hn::Eq(total, total)))) {
      best = max_with_nan(io, taps, x, c);
    }
    io.store(best.value, y + c);
    if constexpr (kWinner) {
      io.store_bytes(best.index, winner + c);
    }
  });
}

template <class T>
HWY_INLINE void list_taps(const PoolProblem& problem, const ConstRows<T>& x, std::int64_t channel,
                          std::int64_t n, std::int64_t p, const Span& r_taps, std::int64_t q,
                          const Span& s_taps, MaxTaps<T>& taps) {
  taps.count = 0;
  for (std::int64_t r = r_taps.begin; r < r_taps.end; ++r) {
    const std::int64_t line =
        (n * problem.H + p * problem.stride_h - problem.pad_h + r) * problem.W;
    for (std::int64_t s = s_taps.begin; s < s_taps.end; ++s) {
      const std::int64_t pixel = line + q * problem.stride_w - problem.pad_w + s;
      taps.tap[static_cast<std::size_t>(taps.count++)] = {
          x.at(pixel, channel), static_cast<std::int32_t>(r * problem.S + s)};
    }
  }
}

template <class T, class Load>
void max_pool_lines(const PoolProblem& problem, const PoolTile& tile, const ConstRows<T>& x,
                    const Load& load, const Rows<T>& y, std::uint8_t* winner) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  MaxTaps<T> taps;
  for (std::int64_t line = tile.lines.begin; line < tile.lines.end; ++line) {
    const std::int64_t p = line % vertical.output;
    const Span r_taps = vertical.taps(p);
    for (std::int64_t q = 0; q < horizontal.output; ++q) {
      list_taps(problem, x, tile.channel, line / vertical.output, p, r_taps, q, horizontal.taps(q),
                taps);
      const std::int64_t pixel = line * horizontal.output + q;
      if (winner != nullptr) {
        max_of_taps<true>(taps, load, tile.channels, y.at(pixel, tile.channel),
                          winner + pixel * problem.C + tile.channel);
      } else {
        max_of_taps<false>(taps, load, tile.channels, y.at(pixel, tile.channel), nullptr);
      }
    }
  }
}

// A window over the pixel in hand, and the winner that means this pixel.
template <class Gradient>
struct MaxWindow {
  typename Gradient::Pixel grad_y;
  const std::uint8_t* winner;
  std::int32_t index;
};

template <class Gradient>
struct MaxWindows {
  std::array<MaxWindow<Gradient>, kMaxPoolTaps> window;
  std::int64_t count = 0;
};

template <class Gradient, class Store>
HWY_INLINE void gather_max_gradient(const MaxWindows<Gradient>& windows, const Gradient& grad_y,
                                    std::int64_t pixel, std::int64_t channels, Store& store) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const typename std::decay_t<decltype(io)>::Int di;
    auto sum = hn::Zero(io.d);
    for (std::int64_t i = 0; i < windows.count; ++i) {
      const auto& window = windows.window[static_cast<std::size_t>(i)];
      const auto won = hn::Eq(io.load_bytes(window.winner + c), hn::Set(di, window.index));
      const auto gradient = grad_y.load(io, window.grad_y, c);
      sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(io.d, won), gradient));
    }
    store.put(io, pixel, c, sum);
  });
}

template <class Gradient>
HWY_INLINE void list_windows(const PoolProblem& problem, const Gradient& grad_y,
                             const std::uint8_t* winner, std::int64_t n, std::int64_t h,
                             const Span& p_span, std::int64_t w, const Span& q_span,
                             MaxWindows<Gradient>& windows) {
  windows.count = 0;
  for (std::int64_t p = p_span.begin; p < p_span.end; ++p) {
    const std::int64_t r = h + problem.pad_h - p * problem.stride_h;
    for (std::int64_t q = q_span.begin; q < q_span.end; ++q) {
      const std::int64_t s = w + problem.pad_w - q * problem.stride_w;
      const std::int64_t pixel = (n * problem.P() + p) * problem.Q() + q;
      windows.window[static_cast<std::size_t>(windows.count++)] = {
          grad_y.pixel(pixel), winner + pixel * problem.C,
          static_cast<std::int32_t>(r * problem.S + s)};
    }
  }
}

template <class Gradient, class Store>
void max_pool_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                             const Gradient& grad_y, const std::uint8_t* winner, Store& store) {
  const PoolAxis vertical = vertical_axis(problem);
  const PoolAxis horizontal = horizontal_axis(problem);
  MaxWindows<Gradient> windows;
  for (std::int64_t line = tile.lines.begin; line < tile.lines.end; ++line) {
    const std::int64_t h = line % vertical.input;
    const Span p_span = vertical.windows(h);
    for (std::int64_t w = 0; w < horizontal.input; ++w) {
      list_windows(problem, grad_y, winner + tile.channel, line / vertical.input, h, p_span, w,
                   horizontal.windows(w), windows);
      gather_max_gradient(windows, grad_y, line * horizontal.input + w, tile.channels, store);
    }
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
