// SPDX-License-Identifier: Apache-2.0
// The factors of Adam that depend on the step alone, with the bias corrections folded in:
// value -= rate * m / (sqrt(v) * root_scale + epsilon) (Kingma & Ba 2015, section 2).
#pragma once

#include <cmath>
#include <cstdint>

#include "accrete/kernels/optimizer.h"

namespace accrete::kernels {

struct AdamFactors {
  float beta1, beta2;
  float one_minus_beta1, one_minus_beta2;
  float rate;        ///< the learning rate with the first bias correction
  float root_scale;  ///< the second bias correction
  float epsilon;

  AdamFactors(const AdamOptions& options, std::int64_t step)
      : beta1(options.beta1), beta2(options.beta2), epsilon(options.epsilon) {
    const auto b1 = static_cast<double>(beta1);
    const auto b2 = static_cast<double>(beta2);
    const double correction1 = 1.0 - std::pow(b1, static_cast<double>(step));
    const double correction2 = 1.0 - std::pow(b2, static_cast<double>(step));
    one_minus_beta1 = static_cast<float>(1.0 - b1);
    one_minus_beta2 = static_cast<float>(1.0 - b2);
    rate = static_cast<float>(static_cast<double>(options.learning_rate) / correction1);
    root_scale = static_cast<float>(1.0 / std::sqrt(correction2));
  }
};

}  // namespace accrete::kernels
