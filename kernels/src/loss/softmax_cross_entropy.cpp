// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy. Rows are few and short next to the rest of a network: plain loops.
#include "accrete/kernels/loss.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

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
template <class T>
Peak find_peak(const T* logits, std::int64_t classes) {
  Peak peak{to_float(logits[0]), 0, true};
  for (std::int64_t c = 0; c < classes; ++c) {
    const float logit = to_float(logits[c]);
    peak.finite = peak.finite && std::isfinite(logit);
    if (logit > peak.value) {
      peak.value = logit;
      peak.index = c;
    }
  }
  return peak;
}

template <class T>
RowResult softmax_row(const T* logits, std::int64_t classes, std::int32_t label, T* probabilities) {
  // In fewer bits a kept power would be rounded twice.
  constexpr bool kKeepsPowers = std::is_same_v<T, float>;
  const Peak peak = find_peak(logits, classes);
  const bool valid = peak.finite && label >= 0 && label < classes;
  // Read before the row is overwritten: probabilities may be logits.
  const double target = valid ? static_cast<double>(to_float(logits[label]) - peak.value)
                              : std::numeric_limits<double>::quiet_NaN();
  const auto power_of = [&](std::int64_t c) { return std::exp(to_float(logits[c]) - peak.value); };
  double sum = 0.0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float power = power_of(c);
    if constexpr (kKeepsPowers) {
      probabilities[c] = power;
    }
    sum += static_cast<double>(power);
  }
  const double inverse = 1.0 / sum;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float power = kKeepsPowers ? to_float(probabilities[c]) : power_of(c);
    probabilities[c] = from_float<T>(static_cast<float>(static_cast<double>(power) * inverse));
  }
  return {std::log(sum) - target, valid && peak.index == label};
}

template <class T>
void softmax_rows(const ConstTensorView& logits, const ConstTensorView& labels, std::int64_t begin,
                  std::int64_t end, const TensorView& probabilities, RowResult* results) {
  const ConstRows<T> from(logits);
  const Rows<T> to(probabilities);
  for (std::int64_t row = begin; row < end; ++row) {
    *results++ = softmax_row(from.at(row, 0), logits.shape.c, labels.i32()[row * labels.pitch],
                             to.at(row, 0));
  }
}

template <class T>
void gradient_rows(const ConstTensorView& probabilities, const ConstTensorView& labels,
                   std::int64_t begin, std::int64_t end, const TensorView& grad_logits) {
  const std::int64_t classes = probabilities.shape.c;
  const float weight = 1.0F / static_cast<float>(probabilities.shape.n);
  for (std::int64_t row = begin; row < end; ++row) {
    const T* from = ConstRows<T>(probabilities).at(row, 0);
    T* gradient = Rows<T>(grad_logits).at(row, 0);
    const std::int64_t label = labels.i32()[row * labels.pitch];
    for (std::int64_t c = 0; c < classes; ++c) {
      const float p = to_float(from[c]);
      gradient[c] = from_float<T>((c == label ? p - 1.0F : p) * weight);
    }
  }
}

}  // namespace

const char* run(const Stream& stream, const SoftmaxCrossEntropyForward& call,
                const Workspace& /*workspace*/) {
  const std::int64_t rows = call.logits.shape.n;
  RowResults results;
  double total = 0.0;
  std::int64_t hits = 0;
  for (std::int64_t first = 0; first < rows; first += kBatchRows) {
    const std::int64_t count = std::min(kBatchRows, rows - first);
    stream.pool().parallel_for(divide_up(count, kTaskRows), [&](std::int64_t task) {
      const std::int64_t begin = task * kTaskRows;
      const std::int64_t end = std::min(count, begin + kTaskRows);
      with_element(call.logits.dtype, [&]<class T>() {
        softmax_rows<T>(call.logits, call.labels, first + begin, first + end, call.probabilities,
                        results.data() + begin);
      });
    });
    for (std::int64_t i = 0; i < count; ++i) {
      const RowResult& result = results[static_cast<std::size_t>(i)];
      total += result.loss;
      hits += result.correct ? 1 : 0;
    }
  }
  *call.loss.f32() = static_cast<float>(total / static_cast<double>(rows));
  *call.correct.f32() = static_cast<float>(hits);
  return "rows";
}

const char* run(const Stream& stream, const SoftmaxCrossEntropyBackward& call,
                const Workspace& /*workspace*/) {
  const std::int64_t rows = call.probabilities.shape.n;
  stream.pool().parallel_for(divide_up(rows, kTaskRows), [&](std::int64_t task) {
    const std::int64_t begin = task * kTaskRows;
    const std::int64_t end = std::min(rows, begin + kTaskRows);
    with_element(call.probabilities.dtype, [&]<class T>() {
      gradient_rows<T>(call.probabilities, call.labels, begin, end, call.grad_logits);
    });
  });
  return "rows";
}

}  // namespace accrete::kernels::cpu
