// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy. Rows are few and short next to the rest of a network: plain loops.
#include "cpu/softmax_cross_entropy.h"

#include <array>
#include <cmath>
#include <limits>

#include "cpu/row_tiles.h"

namespace accrete::kernels::cpu {
namespace {

// Losses of this many rows wait on the stack to be added in order.
constexpr std::int64_t kBatchRows = 512;
constexpr std::int64_t kTaskRows = 8;

struct RowResult {
  double loss = 0.0;
  bool correct = false;
};

using RowResults = std::array<RowResult, kBatchRows>;

struct Peak {
  float value = 0.0F;
  std::int64_t index = 0;
  bool finite = true;
};

// The first largest logit.
Peak find_peak(const float* logits, std::int64_t classes) {
  Peak peak{logits[0], 0, true};
  for (std::int64_t c = 0; c < classes; ++c) {
    peak.finite = peak.finite && std::isfinite(logits[c]);
    if (logits[c] > peak.value) {
      peak.value = logits[c];
      peak.index = c;
    }
  }
  return peak;
}

RowResult softmax_row(const float* logits, std::int64_t classes, std::int32_t label,
                      float* probabilities) {
  const Peak peak = find_peak(logits, classes);
  const bool valid = peak.finite && label >= 0 && label < classes;
  // Read before the row is overwritten: probabilities may be logits.
  const double target = valid ? static_cast<double>(logits[label] - peak.value)
                              : std::numeric_limits<double>::quiet_NaN();
  double sum = 0.0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float power = std::exp(logits[c] - peak.value);
    probabilities[c] = power;
    sum += static_cast<double>(power);
  }
  const double inverse = 1.0 / sum;
  for (std::int64_t c = 0; c < classes; ++c) {
    probabilities[c] = static_cast<float>(static_cast<double>(probabilities[c]) * inverse);
  }
  return {std::log(sum) - target, valid && peak.index == label};
}

}  // namespace

void softmax_cross_entropy_forward(ThreadPool& pool, const ConstTensorView& logits,
                                   const ConstTensorView& labels, const TensorView& probabilities,
                                   float* loss, float* correct) {
  const std::int64_t rows = logits.shape.n;
  const ConstRows from(logits);
  const Rows to(probabilities);
  RowResults results;
  double total = 0.0;
  std::int64_t hits = 0;
  for (std::int64_t first = 0; first < rows; first += kBatchRows) {
    const std::int64_t count = std::min(kBatchRows, rows - first);
    pool.parallel_for(divide_up(count, kTaskRows), [&](std::int64_t task) {
      const std::int64_t end = std::min(count, (task + 1) * kTaskRows);
      for (std::int64_t i = task * kTaskRows; i < end; ++i) {
        const std::int64_t row = first + i;
        results[static_cast<std::size_t>(i)] = softmax_row(
            from.at(row, 0), logits.shape.c, labels.i32()[row * labels.pitch], to.at(row, 0));
      }
    });
    for (std::int64_t i = 0; i < count; ++i) {
      const RowResult& result = results[static_cast<std::size_t>(i)];
      total += result.loss;
      hits += result.correct ? 1 : 0;
    }
  }
  *loss = static_cast<float>(total / static_cast<double>(rows));
  *correct = static_cast<float>(hits);
}

void softmax_cross_entropy_backward(ThreadPool& pool, const ConstTensorView& probabilities,
                                    const ConstTensorView& labels, const TensorView& grad_logits) {
  const std::int64_t rows = probabilities.shape.n;
  const std::int64_t classes = probabilities.shape.c;
  const ConstRows from(probabilities);
  const Rows to(grad_logits);
  const float weight = 1.0F / static_cast<float>(rows);
  pool.parallel_for(divide_up(rows, kTaskRows), [&](std::int64_t task) {
    const std::int64_t end = std::min(rows, (task + 1) * kTaskRows);
    for (std::int64_t row = task * kTaskRows; row < end; ++row) {
      const float* p = from.at(row, 0);
      float* gradient = to.at(row, 0);
      const std::int64_t label = labels.i32()[row * labels.pitch];
      for (std::int64_t c = 0; c < classes; ++c) {
        gradient[c] = (c == label ? p[c] - 1.0F : p[c]) * weight;
      }
    }
  });
}

}  // namespace accrete::kernels::cpu
