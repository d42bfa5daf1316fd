// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

#include <cstddef>
#include <cstdint>

namespace accrete::reference {
namespace {

std::size_t index(const Shape& shape, std::int64_t n, std::int64_t h, std::int64_t w) {
  return static_cast<std::size_t>(((n * shape.h + h) * shape.w + w) * shape.c);
}

// Calls body(x offset, weight offset of (r,s), y offset) for every output pixel and every tap that
// lies inside the image. Offsets are those of channel 0; of output channel 0 for the weight.
template <class Body>
void for_each_tap(const ConvProblem& problem, const Body& body) {
  const Shape x = problem.x_shape();
  const Shape y = problem.y_shape();
  const Shape weight = problem.weight_shape();
  for (std::int64_t n = 0; n < y.n; ++n) {
    for (std::int64_t p = 0; p < y.h; ++p) {
      for (std::int64_t q = 0; q < y.w; ++q) {
        for (std::int64_t r = 0; r < problem.R; ++r) {
          for (std::int64_t s = 0; s < problem.S; ++s) {
            const std::int64_t h = p * problem.stride_h - problem.pad_h + r;
            const std::int64_t w = q * problem.stride_w - problem.pad_w + s;
            if (h >= 0 && h < x.h && w >= 0 && w < x.w) {
              body(index(x, n, h, w), index(weight, 0, r, s), index(y, n, p, q));
            }
          }
        }
      }
    }
  }
}

struct Channels {
  explicit Channels(const ConvProblem& problem)
      : inputs(static_cast<std::size_t>(problem.C)),
        outputs(static_cast<std::size_t>(problem.K)),
        filter(static_cast<std::size_t>(problem.R * problem.S * problem.C)) {}
  std::size_t inputs, outputs;
  std::size_t filter;  // weights of one output channel
};

std::vector<double> zeros(const Shape& shape) {
  return std::vector<double>(static_cast<std::size_t>(shape.elements()), 0.0);
}

}  // namespace

std::vector<double> conv_forward(const ConvProblem& problem, const std::vector<double>& x,
                                 const std::vector<double>& weight,
                                 const std::vector<double>& bias) {
  const Channels count(problem);
  std::vector<double> y = zeros(problem.y_shape());
  for_each_tap(problem, [&](std::size_t xi, std::size_t wi, std::size_t yi) {
    for (std::size_t k = 0; k < count.outputs; ++k) {
      for (std::size_t c = 0; c < count.inputs; ++c) {
        y[yi + k] += x[xi + c] * weight[k * count.filter + wi + c];
      }
    }
  });
  for (std::size_t i = 0; !bias.empty() && i < y.size(); ++i) {
    y[i] += bias[i % count.outputs];
  }
  return y;
}

std::vector<double> conv_dgrad(const ConvProblem& problem, const std::vector<double>& grad_y,
                               const std::vector<double>& weight) {
  const Channels count(problem);
  std::vector<double> grad_x = zeros(problem.x_shape());
  for_each_tap(problem, [&](std::size_t xi, std::size_t wi, std::size_t yi) {
    for (std::size_t k = 0; k < count.outputs; ++k) {
      for (std::size_t c = 0; c < count.inputs; ++c) {
        grad_x[xi + c] += grad_y[yi + k] * weight[k * count.filter + wi + c];
      }
    }
  });
  return grad_x;
}

std::vector<double> conv_wgrad(const ConvProblem& problem, const std::vector<double>& x,
                               const std::vector<double>& grad_y) {
  const Channels count(problem);
  std::vector<double> grad_weight = zeros(problem.weight_shape());
  for_each_tap(problem, [&](std::size_t xi, std::size_t wi, std::size_t yi) {
    for (std::size_t k = 0; k < count.outputs; ++k) {
      for (std::size_t c = 0; c < count.inputs; ++c) {
        grad_weight[k * count.filter + wi + c] += x[xi + c] * grad_y[yi + k];
      }
    }
  });
  return grad_weight;
}

std::vector<double> bias_grad(const Shape& shape, const std::vector<double>& grad_y) {
  const auto channels = static_cast<std::size_t>(shape.c);
  std::vector<double> grad_bias(channels, 0.0);
  for (std::size_t i = 0; i < grad_y.size(); ++i) {
    grad_bias[i % channels] += grad_y[i];
  }
  return grad_bias;
}

}  // namespace accrete::reference
