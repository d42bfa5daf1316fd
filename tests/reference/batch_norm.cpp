// SPDX-License-Identifier: Apache-2.0
#include "reference/batch_norm.h"

#include <cmath>

namespace accrete::reference {
namespace {

std::size_t at(const Shape& shape, std::int64_t pixel, std::int64_t channel) {
  return static_cast<std::size_t>(pixel * shape.c + channel);
}

}  // namespace

BatchStatistics batch_statistics(const Shape& shape, const std::vector<double>& x, double epsilon) {
  BatchStatistics result;
  const auto pixels = static_cast<double>(shape.pixels());
  for (std::int64_t c = 0; c < shape.c; ++c) {
    double sum = 0.0;
    for (std::int64_t m = 0; m < shape.pixels(); ++m) {
      sum += x[at(shape, m, c)];
    }
    const double mean = sum / pixels;
    double squares = 0.0;
    for (std::int64_t m = 0; m < shape.pixels(); ++m) {
      squares += (x[at(shape, m, c)] - mean) * (x[at(shape, m, c)] - mean);
    }
    result.mean.push_back(mean);
    result.variance.push_back(squares / pixels);
    result.inv_std.push_back(1.0 / std::sqrt(squares / pixels + epsilon));
  }
  return result;
}

std::vector<double> batch_norm_normalise(const Shape& shape, const BatchNormParameters& parameters,
                                         const std::vector<double>& x,
                                         const std::vector<double>& mean,
                                         const std::vector<double>& inv_std) {
  std::vector<double> y(x.size());
  for (std::int64_t m = 0; m < shape.pixels(); ++m) {
    for (std::int64_t c = 0; c < shape.c; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const double normalised = (x[at(shape, m, c)] - mean[i]) * inv_std[i];
      const double value = parameters.gamma[i] * normalised + parameters.beta[i];
      y[at(shape, m, c)] = parameters.relu && value < 0.0 ? 0.0 : value;
    }
  }
  return y;
}

std::vector<double> batch_norm_training(const Shape& shape, const BatchNormParameters& parameters,
                                        const std::vector<double>& x) {
  const BatchStatistics s = batch_statistics(shape, x, parameters.epsilon);
  return batch_norm_normalise(shape, parameters, x, s.mean, s.inv_std);
}

BatchNormGradients batch_norm_backward(const Shape& shape, const BatchNormParameters& parameters,
                                       const std::vector<double>& grad_y,
                                       const std::vector<double>& x) {
  const BatchStatistics s = batch_statistics(shape, x, parameters.epsilon);
  const std::vector<double> y = batch_norm_normalise(shape, parameters, x, s.mean, s.inv_std);
  const auto pixels = static_cast<double>(shape.pixels());
  BatchNormGradients result;
  result.x.resize(x.size());
  for (std::int64_t c = 0; c < shape.c; ++c) {
    const auto i = static_cast<std::size_t>(c);
    std::vector<double> dz;
    std::vector<double> xhat;
    double sum = 0.0;
    double product = 0.0;
    for (std::int64_t m = 0; m < shape.pixels(); ++m) {
      const bool passes = !parameters.relu || y[at(shape, m, c)] > 0.0;
      dz.push_back(passes ? grad_y[at(shape, m, c)] : 0.0);
      xhat.push_back((x[at(shape, m, c)] - s.mean[i]) * s.inv_std[i]);
      sum += dz.back();
      product += dz.back() * xhat.back();
    }
    for (std::int64_t m = 0; m < shape.pixels(); ++m) {
      const auto k = static_cast<std::size_t>(m);
      result.x[at(shape, m, c)] =
          parameters.gamma[i] * s.inv_std[i] * (dz[k] - sum / pixels - xhat[k] * product / pixels);
    }
    result.beta.push_back(sum);
    result.gamma.push_back(product);
  }
  return result;
}

BatchNormGradients batch_norm_backward_constant(const Shape& shape,
                                                const BatchNormParameters& parameters,
                                                const std::vector<double>& grad_y,
                                                const std::vector<double>& x,
                                                const std::vector<double>& mean,
                                                const std::vector<double>& inv_std) {
  const std::vector<double> y = batch_norm_normalise(shape, parameters, x, mean, inv_std);
  const auto channels = static_cast<std::size_t>(shape.c);
  BatchNormGradients result;
  result.gamma.assign(channels, 0.0);
  result.beta.assign(channels, 0.0);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::size_t c = k % channels;
    const double dz = !parameters.relu || y[k] > 0.0 ? grad_y[k] : 0.0;
    result.x.push_back(parameters.gamma[c] * inv_std[c] * dz);
    result.beta[c] += dz;
    result.gamma[c] += dz * (x[k] - mean[c]) * inv_std[c];
  }
  return result;
}

}  // namespace accrete::reference
