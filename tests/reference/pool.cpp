// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

#include <cmath>
#include <functional>

namespace accrete::reference {
namespace {

struct Tap {
  std::size_t x;  // index of the input element
  int index;      // r * S + s
};

using Visitor = std::function<void(std::size_t y, const std::vector<Tap>& taps)>;

// Calls `visit` for every output element with the taps inside the image.
void for_each_window(const PoolProblem& problem, const Visitor& visit) {
  for (std::int64_t n = 0; n < problem.N; ++n) {
    for (std::int64_t p = 0; p < problem.P(); ++p) {
      for (std::int64_t q = 0; q < problem.Q(); ++q) {
        for (std::int64_t c = 0; c < problem.C; ++c) {
          std::vector<Tap> taps;
          for (std::int64_t r = 0; r < problem.R; ++r) {
            for (std::int64_t s = 0; s < problem.S; ++s) {
              const std::int64_t h = p * problem.stride_h - problem.pad_h + r;
              const std::int64_t w = q * problem.stride_w - problem.pad_w + s;
              if (h >= 0 && h < problem.H && w >= 0 && w < problem.W) {
                taps.push_back({static_cast<std::size_t>(
                                    ((n * problem.H + h) * problem.W + w) * problem.C + c),
                                static_cast<int>(r * problem.S + s)});
              }
            }
          }
          visit(static_cast<std::size_t>(((n * problem.P() + p) * problem.Q() + q) * problem.C + c),
                taps);
        }
      }
    }
  }
}

double divisor(const PoolProblem& problem, const std::vector<Tap>& taps) {
  return problem.count_padding ? static_cast<double>(problem.R * problem.S)
                               : static_cast<double>(taps.size());
}

}  // namespace

MaxPoolResult max_pool_forward(const PoolProblem& problem, const std::vector<double>& x) {
  const auto outputs = static_cast<std::size_t>(problem.y_shape().elements());
  MaxPoolResult result{std::vector<double>(outputs), std::vector<int>(outputs)};
  for_each_window(problem, [&](std::size_t y, const std::vector<Tap>& taps) {
    Tap best = taps.front();
    for (const Tap& tap : taps) {
      if (std::isnan(x[best.x])) {
        break;
      }
      if (x[tap.x] > x[best.x] || std::isnan(x[tap.x])) {
        best = tap;
      }
    }
    result.y[y] = x[best.x];
    result.winner[y] = best.index;
  });
  return result;
}

std::vector<double> max_pool_backward(const PoolProblem& problem, const std::vector<double>& grad_y,
                                      const std::vector<int>& winner) {
  std::vector<double> grad_x(static_cast<std::size_t>(problem.x_shape().elements()), 0.0);
  for_each_window(problem, [&](std::size_t y, const std::vector<Tap>& taps) {
    for (const Tap& tap : taps) {
      if (tap.index == winner[y]) {
        grad_x[tap.x] += grad_y[y];
      }
    }
  });
  return grad_x;
}

std::vector<double> average_pool_forward(const PoolProblem& problem, const std::vector<double>& x) {
  std::vector<double> result(static_cast<std::size_t>(problem.y_shape().elements()), 0.0);
  for_each_window(problem, [&](std::size_t y, const std::vector<Tap>& taps) {
    for (const Tap& tap : taps) {
      result[y] += x[tap.x];
    }
    result[y] /= divisor(problem, taps);
  });
  return result;
}

std::vector<double> average_pool_backward(const PoolProblem& problem,
                                          const std::vector<double>& grad_y) {
  std::vector<double> grad_x(static_cast<std::size_t>(problem.x_shape().elements()), 0.0);
  for_each_window(problem, [&](std::size_t y, const std::vector<Tap>& taps) {
    for (const Tap& tap : taps) {
      grad_x[tap.x] += grad_y[y] / divisor(problem, taps);
    }
  });
  return grad_x;
}

}  // namespace accrete::reference
