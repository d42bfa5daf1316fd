// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy in double precision.
#pragma once

#include <cstdint>
#include <vector>

namespace accrete::reference {

struct SoftmaxCrossEntropy {
  std::vector<double> probabilities;
  std::vector<double> grad_logits;
  double loss = 0.0;
  double correct = 0.0;
};

/// logits is [labels.size(), classes].
SoftmaxCrossEntropy softmax_cross_entropy(std::size_t classes, const std::vector<double>& logits,
                                          const std::vector<std::int32_t>& labels);

}  // namespace accrete::reference
