// SPDX-License-Identifier: Apache-2.0
#include "reference/norm_relu.h"

namespace accrete::reference {
namespace {

double normalised(const Norm& norm, const std::vector<double>& x, std::size_t i) {
  const std::size_t c = i % norm.mean.size();
  return (x[i] - norm.mean[c]) * norm.inv_std[c];
}

double before_relu(const Norm& norm, const std::vector<double>& x, std::size_t i) {
  const std::size_t c = i % norm.mean.size();
  return norm.gamma[c] * normalised(norm, x, i) + norm.beta[c];
}

}  // namespace

std::vector<double> norm_relu(const Norm& norm, const std::vector<double>& x) {
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double z = before_relu(norm, x, i);
    y[i] = z <= 0.0 ? 0.0 : z;
  }
  return y;
}

NormGradient norm_relu_gradient(const Norm& norm, const std::vector<double>& x,
                                const std::vector<double>& gradient) {
  const std::size_t channels = norm.mean.size();
  const auto pixels = static_cast<double>(x.size() / channels);
  NormGradient result;
  result.gamma.assign(channels, 0.0);
  result.beta.assign(channels, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i % channels;
    const double dz = before_relu(norm, x, i) > 0.0 ? gradient[i] : 0.0;
    result.g.push_back(norm.gamma[c] * dz);
    result.constant.push_back(norm.gamma[c] * norm.inv_std[c] * dz);
    result.beta[c] += dz;
    result.gamma[c] += dz * normalised(norm, x, i);
  }
  for (std::size_t c = 0; c < channels; ++c) {
    result.a.push_back(norm.gamma[c] * result.beta[c] / pixels);
    result.b.push_back(norm.gamma[c] * result.gamma[c] / pixels);
  }
  return result;
}

std::vector<double> deferred_gradient(const Deferred& due, const std::vector<double>& g,
                                      const std::vector<double>& y) {
  std::vector<double> result;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const std::size_t c = i % due.mean.size();
    const double xhat = (y[i] - due.mean[c]) * due.inv_std[c];
    result.push_back(due.inv_std[c] * (g[i] - due.a[c] - xhat * due.b[c]));
  }
  return result;
}

}  // namespace accrete::reference
