// SPDX-License-Identifier: Apache-2.0
#include "reference/optimizer.h"

#include <cmath>

namespace accrete::reference {

void sgd_step(const Sgd& sgd, const std::vector<double>& gradient, std::vector<double>& value,
              std::vector<double>& buffer) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const double g = gradient[i] + sgd.weight_decay * value[i];
    double step = g;
    if (sgd.momentum != 0.0) {
      buffer[i] = sgd.momentum * buffer[i] + g;
      step = sgd.nesterov ? g + sgd.momentum * buffer[i] : buffer[i];
    }
    value[i] -= sgd.learning_rate * step;
  }
}

void adam_step(const Adam& adam, int step, const std::vector<double>& gradient,
               std::vector<double>& value, std::vector<double>& first,
               std::vector<double>& second) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    double g = gradient[i];
    if (adam.decoupled) {
      value[i] *= 1.0 - adam.learning_rate * adam.weight_decay;
    } else {
      g += adam.weight_decay * value[i];
    }
    first[i] = adam.beta1 * first[i] + (1.0 - adam.beta1) * g;
    second[i] = adam.beta2 * second[i] + (1.0 - adam.beta2) * g * g;
    const double m = first[i] / (1.0 - std::pow(adam.beta1, step));
    const double v = second[i] / (1.0 - std::pow(adam.beta2, step));
    value[i] -= adam.learning_rate * m / (std::sqrt(v) + adam.epsilon);
  }
}

}  // namespace accrete::reference
