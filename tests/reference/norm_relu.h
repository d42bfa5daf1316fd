// SPDX-License-Identifier: Apache-2.0
// The formulas of norm_relu.h in double precision. Tensors are packed [pixels, channels].
#pragma once

#include <cstddef>
#include <vector>

namespace accrete::reference {

struct Norm {
  std::vector<double> mean, inv_std, gamma, beta;
};

/// max(0, gamma * (x - mean) * inv_std + beta)
std::vector<double> norm_relu(const Norm& norm, const std::vector<double>& x);

struct NormGradient {
  std::vector<double> g;            // gamma * dz
  std::vector<double> constant;     // gamma * inv_std * dz: what g is with constant statistics
  std::vector<double> a, b;         // gamma * sum(dz) / M, gamma * sum(dz * xhat) / M
  std::vector<double> gamma, beta;  // sum(dz * xhat), sum(dz)
};

/// Of one reader of x, from the gradient of what norm_relu made of it.
NormGradient norm_relu_gradient(const Norm& norm, const std::vector<double>& x,
                                const std::vector<double>& gradient);

struct Deferred {
  std::vector<double> mean, inv_std, a, b;
};

/// inv_std * (g - a - (y - mean) * inv_std * b)
std::vector<double> deferred_gradient(const Deferred& due, const std::vector<double>& g,
                                      const std::vector<double>& y);

}  // namespace accrete::reference
