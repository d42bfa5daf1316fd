// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

namespace accrete::reference {
namespace {

std::uint32_t low(std::uint64_t value) {
  return static_cast<std::uint32_t>(value & 0xFFFFFFFFU);
}

std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32U);
}

}  // namespace

std::vector<double> relu_forward(const std::vector<double>& x) {
  std::vector<double> y = x;
  for (double& value : y) {
    if (value < 0.0) {
      value = 0.0;
    }
  }
  return y;
}

std::vector<double> relu_backward(const std::vector<double>& grad_y, const std::vector<double>& y) {
  std::vector<double> grad_x(grad_y.size(), 0.0);
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (y[i] > 0.0) {
      grad_x[i] = grad_y[i];
    }
  }
  return grad_x;
}

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{counter[0]} * 0xD2511F53U;
    const std::uint64_t b = std::uint64_t{counter[2]} * 0xCD9E8D57U;
    counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    key = {low(std::uint64_t{key[0]} + 0x9E3779B9U), low(std::uint64_t{key[1]} + 0xBB67AE85U)};
  }
  return counter;
}

std::vector<double> dropout(double rate, std::uint64_t seed, std::uint64_t stream,
                            const std::vector<double>& x) {
  std::vector<double> y(x.size(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t group = i / 4;
    const auto words =
        philox({low(group), high(group), low(stream), high(stream)}, {low(seed), high(seed)});
    const double uniform = static_cast<double>(words[i % 4] / 256U) / 16777216.0;
    if (uniform >= rate) {
      y[i] = x[i] / (1.0 - rate);
    }
  }
  return y;
}

}  // namespace accrete::reference
