// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy with integer labels, and the count of correct predictions.
#pragma once

#include "accrete/kernels/call.h"

namespace accrete::kernels {

/// probabilities [N,1,1,C] = softmax(logits [N,1,1,C]) per row (maximum subtracted first);
/// loss [1,1,1,1] = mean over rows of -log p[label]; correct [1,1,1,1] = number of rows whose
/// first largest logit is the label (as f32, exact below 2^24).
/// labels [N,1,1,1] i32 in [0, C): one outside makes its row's loss NaN and never counts as
/// correct. So does a logit that is NaN or infinite. probabilities may be logits itself. Rows are
/// summed in a fixed order, in double.
struct SoftmaxCrossEntropyForward {
  static constexpr const char* kName = "softmax_cross_entropy_forward";
  ConstTensorView logits, labels;
  TensorView probabilities, loss, correct;
};

/// grad_logits [N,1,1,C] = (probabilities - onehot(labels)) / N: the gradient of `loss`.
/// A label outside [0, C) marks no class. grad_logits may be probabilities itself.
struct SoftmaxCrossEntropyBackward {
  static constexpr const char* kName = "softmax_cross_entropy_backward";
  ConstTensorView probabilities, labels;
  TensorView grad_logits;
};

}  // namespace accrete::kernels
