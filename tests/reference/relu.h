// SPDX-License-Identifier: Apache-2.0
// Rectified linear unit in double precision.
#pragma once

#include <vector>

namespace accrete::reference {

std::vector<double> relu_forward(const std::vector<double>& x);
std::vector<double> relu_backward(const std::vector<double>& grad_y, const std::vector<double>& y);

}  // namespace accrete::reference
