// SPDX-License-Identifier: Apache-2.0
// CPU kernels of softmax_cross_entropy.h; arguments are valid.
#pragma once

#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

void softmax_cross_entropy_forward(ThreadPool& pool, const ConstTensorView& logits,
                                   const ConstTensorView& labels, const TensorView& probabilities,
                                   float* loss, float* correct);
void softmax_cross_entropy_backward(ThreadPool& pool, const ConstTensorView& probabilities,
                                    const ConstTensorView& labels, const TensorView& grad_logits);

}  // namespace accrete::kernels::cpu
