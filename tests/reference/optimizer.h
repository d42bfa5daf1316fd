// SPDX-License-Identifier: Apache-2.0
// SGD and Adam in double precision, as the papers write them.
#pragma once

#include <vector>

namespace accrete::reference {

struct Sgd {
  double learning_rate = 0.1;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
};

void sgd_step(const Sgd& sgd, const std::vector<double>& gradient, std::vector<double>& value,
              std::vector<double>& buffer);

struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  bool decoupled = false;
};

void adam_step(const Adam& adam, int step, const std::vector<double>& gradient,
               std::vector<double>& value, std::vector<double>& first, std::vector<double>& second);

}  // namespace accrete::reference
