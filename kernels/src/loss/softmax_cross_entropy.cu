// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy. Logits are the smallest tensors of a step: one block suffices.
#include "accrete/kernels/loss.h"

#include "cuda/row_access.cuh"
#include "cuda/warp_reduce.cuh"

namespace accrete::kernels::cuda {
namespace {

constexpr int kWarps = 16;
constexpr unsigned kAllLanes = 0xFFFFFFFFU;

struct Labels {
  const std::int32_t* data;
  std::int64_t pitch;
};

struct RowPeak {
  float value;
  std::int64_t index;  // of the first largest logit
  bool finite;
};

template <class T>
__device__ RowPeak find_peak(const T* logits, std::int64_t classes, std::int64_t lane) {
  RowPeak peak{-INFINITY, classes, true};
  for (std::int64_t c = lane; c < classes; c += 32) {
    const float value = to_float(logits[c]);
    peak.finite = peak.finite && fabsf(value) < INFINITY;
    if (value > peak.value) {
      peak.value = value;
      peak.index = c;
    }
  }
#pragma unroll
  for (int bits = 16; bits > 0; bits /= 2) {
    const float value = __shfl_xor_sync(kAllLanes, peak.value, bits);
    const std::int64_t index = __shfl_xor_sync(kAllLanes, peak.index, bits);
    if (value > peak.value || (value == peak.value && index < peak.index)) {
      peak.value = value;
      peak.index = index;
    }
  }
  peak.finite = __all_sync(kAllLanes, peak.finite ? 1 : 0) != 0;
  return peak;
}

struct RowResult {
  double loss;
  int correct;
};

template <class T>
__device__ RowResult softmax_row(const T* logits, std::int64_t classes, std::int64_t label,
                                 T* probabilities, std::int64_t lane) {
  const RowPeak peak = find_peak(logits, classes, lane);
  const bool valid = peak.finite && label >= 0 && label < classes;
  // Read before the row is overwritten: probabilities may be logits.
  const double target =
      valid ? static_cast<double>(to_float(logits[label]) - peak.value) : static_cast<double>(NAN);
  double sum = 0.0;
  for (std::int64_t c = lane; c < classes; c += 32) {
    sum += static_cast<double>(expf(to_float(logits[c]) - peak.value));
  }
  sum = warp_sum(sum);
  __syncwarp();
  const double inverse = 1.0 / sum;
  for (std::int64_t c = lane; c < classes; c += 32) {
    const double power = static_cast<double>(expf(to_float(logits[c]) - peak.value));
    probabilities[c] = from_float<T>(static_cast<float>(power * inverse));
  }
  return {log(sum) - target, valid && peak.index == label ? 1 : 0};
}

/// Computes  with peak[n] = max over c of logits[n,c] and s[n] = sum over c of exp(logits[n,c] -
///           peak[n]):
///             probabilities[n,c] = exp(logits[n,c] - peak[n]) / s[n]
///             loss = mean over n of log s[n] - (logits[n,label[n]] - peak[n])
///             correct = number of n whose first largest logit is label[n]
///           A label outside [0, C), or a logit that is not finite, makes the loss NaN and its row
///           not correct.
/// Operands  logits and probabilities [N,C] of T, any pitches, may be the same; labels i32 [N], any
///           pitch; loss and correct one f32 each. rows is N, classes C.
/// Grid      one block of 16 warps: warp w has rows w, w + 16, ..., a lane every 32nd class.
/// Order     exponentials in f32, sums in f64: over lanes by shuffles, a warp's rows, the warps.
/// Shared    192 bytes, static: sums of each warp. Limits: none; elements move one by one.
/// Work      logits read once from memory and twice more from cache, probabilities written once;
///           two exponentials per element.
template <class T>
__global__ void __launch_bounds__(kWarps * 32)
    softmax_forward(ConstRows<T> logits, Labels labels, Rows<T> probabilities, std::int64_t rows,
                    std::int64_t classes, float* loss, float* correct) {
  ACCRETE_SHARED_ARRAY(double, losses, [kWarps]);
  ACCRETE_SHARED_ARRAY(int, hits, [kWarps]);
  const int warp = static_cast<int>(threadIdx.x / 32);
  const auto lane = static_cast<std::int64_t>(threadIdx.x % 32);
  RowResult sum{0.0, 0};
  for (std::int64_t row = warp; row < rows; row += kWarps) {
    const RowResult result =
        softmax_row(logits.at(row, 0), classes, labels.data[row * labels.pitch],
                    probabilities.at(row, 0), lane);
    sum.loss += result.loss;
    sum.correct += result.correct;
  }
  if (lane == 0) {
    losses[warp] = sum.loss;
    hits[warp] = sum.correct;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    RowResult total{0.0, 0};
    for (int i = 0; i < kWarps; ++i) {
      total.loss += losses[i];
      total.correct += hits[i];
    }
    *loss = static_cast<float>(total.loss / static_cast<double>(rows));
    *correct = static_cast<float>(total.correct);
  }
}

template <class T>
struct SoftmaxBackward {
  static constexpr int kWidth = 1;
  ConstRows<T> probabilities;
  Labels labels;
  Rows<T> grad_logits;
  float scale;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const float target = labels.data[row * labels.pitch] == c ? 1.0F : 0.0F;
    const float probability = to_float(*probabilities.at(row, c));
    *grad_logits.at(row, c) = from_float<T>((probability - target) * scale);
  }
};

}  // namespace

const char* run(const Stream& stream, const SoftmaxCrossEntropyForward& call,
                const Workspace& /*workspace*/) {
  const ConstTensorView& logits = call.logits;
  with_packs(logits.dtype, false, [&]<class T, int V>() {
    launch(stream, call.kName, &softmax_forward<T>, {1, kWarps * 32}, ConstRows<T>(logits),
           Labels{call.labels.i32(), call.labels.pitch}, Rows<T>(call.probabilities),
           logits.shape.n, logits.shape.c, call.loss.f32(), call.correct.f32());
  });
  return "one block";
}

const char* run(const Stream& stream, const SoftmaxCrossEntropyBackward& call,
                const Workspace& /*workspace*/) {
  const ConstTensorView& probabilities = call.probabilities;
  const std::int64_t rows = probabilities.shape.n;
  with_packs(probabilities.dtype, false, [&]<class T, int V>() {
    const SoftmaxBackward<T> body{ConstRows<T>(probabilities),
                                  Labels{call.labels.i32(), call.labels.pitch},
                                  Rows<T>(call.grad_logits), 1.0F / static_cast<float>(rows)};
    launch_packs(stream, call.kName, body, rows, probabilities.shape.c);
  });
  return "elements";
}

}  // namespace accrete::kernels::cuda
