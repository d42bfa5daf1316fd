// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of softmax_cross_entropy.h; arguments are valid.
#pragma once

#include "accrete/kernels/softmax_cross_entropy.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void softmax_cross_entropy_forward(const Stream& stream, ConstTensorView logits,
                                   ConstTensorView labels, TensorView probabilities,
                                   TensorView loss, TensorView correct);
void softmax_cross_entropy_backward(const Stream& stream, ConstTensorView probabilities,
                                    ConstTensorView labels, TensorView grad_logits);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
