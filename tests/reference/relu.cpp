// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

namespace accrete::reference {

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

}  // namespace accrete::reference
