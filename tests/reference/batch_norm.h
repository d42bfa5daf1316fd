// SPDX-License-Identifier: Apache-2.0
// Batch normalisation in double precision. Tensors are packed [pixels, channels].
#pragma once

#include <vector>

#include "accrete/kernels/shape.h"

namespace accrete::reference {

struct BatchNormParameters {
  std::vector<double> gamma;
  std::vector<double> beta;
  double epsilon = 1e-5;
  bool relu = false;
};

struct BatchStatistics {
  std::vector<double> mean;
  std::vector<double> variance;  // biased
  std::vector<double> inv_std;
};

struct BatchNormGradients {
  std::vector<double> x;
  std::vector<double> gamma;
  std::vector<double> beta;
};

BatchStatistics batch_statistics(const Shape& shape, const std::vector<double>& x, double epsilon);

std::vector<double> batch_norm_normalise(const Shape& shape, const BatchNormParameters& parameters,
                                         const std::vector<double>& x,
                                         const std::vector<double>& mean,
                                         const std::vector<double>& inv_std);

std::vector<double> batch_norm_training(const Shape& shape, const BatchNormParameters& parameters,
                                        const std::vector<double>& x);

BatchNormGradients batch_norm_backward(const Shape& shape, const BatchNormParameters& parameters,
                                       const std::vector<double>& grad_y,
                                       const std::vector<double>& x);

/// The same where mean and inv_std are constants.
BatchNormGradients batch_norm_backward_constant(const Shape& shape,
                                                const BatchNormParameters& parameters,
                                                const std::vector<double>& grad_y,
                                                const std::vector<double>& x,
                                                const std::vector<double>& mean,
                                                const std::vector<double>& inv_std);

}  // namespace accrete::reference
