// SPDX-License-Identifier: Apache-2.0
#include "reference/operations.h"

#include <cmath>

namespace accrete::reference {

SoftmaxCrossEntropy softmax_cross_entropy(std::size_t classes, const std::vector<double>& logits,
                                          const std::vector<std::int32_t>& labels) {
  SoftmaxCrossEntropy result;
  const auto rows = static_cast<double>(labels.size());
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const double* row = logits.data() + n * classes;
    const auto label = static_cast<std::size_t>(labels[n]);
    std::size_t largest = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      largest = row[c] > row[largest] ? c : largest;
    }
    double sum = 0.0;
    for (std::size_t c = 0; c < classes; ++c) {
      sum += std::exp(row[c] - row[largest]);
    }
    for (std::size_t c = 0; c < classes; ++c) {
      const double p = std::exp(row[c] - row[largest]) / sum;
      result.probabilities.push_back(p);
      result.grad_logits.push_back((p - (c == label ? 1.0 : 0.0)) / rows);
    }
    result.loss += (row[largest] - row[label] + std::log(sum)) / rows;
    result.correct += largest == label ? 1.0 : 0.0;
  }
  return result;
}

}  // namespace accrete::reference
