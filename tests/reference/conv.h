// SPDX-License-Identifier: Apache-2.0
// Convolution in double precision, straight from the definition. Tensors are packed NHWC, weights
// [K,R,S,C].
#pragma once

#include <vector>

#include "accrete/kernels/problem.h"

namespace accrete::reference {

std::vector<double> conv_forward(const ConvProblem& problem, const std::vector<double>& x,
                                 const std::vector<double>& weight,
                                 const std::vector<double>& bias);
std::vector<double> conv_dgrad(const ConvProblem& problem, const std::vector<double>& grad_y,
                               const std::vector<double>& weight);
std::vector<double> conv_wgrad(const ConvProblem& problem, const std::vector<double>& x,
                               const std::vector<double>& grad_y);
std::vector<double> bias_grad(const Shape& shape, const std::vector<double>& grad_y);

}  // namespace accrete::reference
