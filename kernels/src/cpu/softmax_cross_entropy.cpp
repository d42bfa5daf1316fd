// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy, a row at a time. N*C is small next to any convolution of the net.
#include "cpu/softmax_cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace accrete::kernels::cpu {
namespace {

struct RowResult {
  double loss;
  bool correct;
};

// Index of the first largest logit, or -1 if one is NaN.
std::int64_t first_maximum(const float* logits, std::int64_t classes) {
  std::int64_t best = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (std::isnan(logits[c])) {
      return -1;
    }
    best = logits[c] > logits[best] ? c : best;
  }
  return best;
}

// May run in place: every logit is read before its probability is written.
RowResult softmax_row(const float* logits, std::int64_t classes, std::int32_t label,
                      float* probabilities) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const std::int64_t best = first_maximum(logits, classes);
  const bool label_exists = label >= 0 && label < classes;
  if (best < 0 || std::isinf(logits[best])) {
    std::fill(probabilities, probabilities + classes, std::numeric_limits<float>::quiet_NaN());
    return {kNaN, false};
  }
  const auto maximum = static_cast<double>(logits[best]);
  double sum = 0.0;
  for (std::int64_t c = 0; c < classes; ++c) {
    sum += std::exp(static_cast<double>(logits[c]) - maximum);
  }
  const double loss =
      label_exists ? std::log(sum) - (static_cast<double>(logits[label]) - maximum) : kNaN;
  for (std::int64_t c = 0; c < classes; ++c) {
    probabilities[c] = static_cast<float>(std::exp(static_cast<double>(logits[c]) - maximum) / sum);
  }
  return {loss, label_exists && best == label};
}

}  // namespace

// One thread: the rows are summed in order, and there are only N of them.
void softmax_cross_entropy_forward(ThreadPool& pool, const ConstTensorView& logits,
                                   const ConstTensorView& labels, const TensorView& probabilities,
                                   float* loss, float* correct) {
  pool.parallel_for(1, [&](std::int64_t) {
    double loss_sum = 0.0;
    std::int64_t correct_rows = 0;
    for (std::int64_t n = 0; n < logits.shape.n; ++n) {
      const RowResult row = softmax_row(logits.f32() + n * logits.pitch, logits.shape.c,
                                        labels.i32()[n * labels.pitch],
                                        probabilities.f32() + n * probabilities.pitch);
      loss_sum += row.loss;
      correct_rows += row.correct ? 1 : 0;
    }
    *loss = static_cast<float>(loss_sum / static_cast<double>(logits.shape.n));
    *correct = static_cast<float>(correct_rows);
  });
}

void softmax_cross_entropy_backward(ThreadPool& pool, const ConstTensorView& probabilities,
                                    const ConstTensorView& labels, const TensorView& grad_logits) {
  pool.parallel_for(1, [&](std::int64_t) {
    const auto rows = static_cast<float>(probabilities.shape.n);
    for (std::int64_t n = 0; n < probabilities.shape.n; ++n) {
      const float* p = probabilities.f32() + n * probabilities.pitch;
      float* grad = grad_logits.f32() + n * grad_logits.pitch;
      const std::int32_t label = labels.i32()[n * labels.pitch];
      for (std::int64_t c = 0; c < probabilities.shape.c; ++c) {
        grad[c] = (p[c] - (c == label ? 1.0F : 0.0F)) / rows;
      }
    }
  });
}

}  // namespace accrete::kernels::cpu
