// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of elementwise.h; arguments are valid.
#pragma once

#include "accrete/kernels/elementwise.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void copy(const Stream& stream, ConstTensorView src, TensorView dst, GradMode mode);
void add(const Stream& stream, ConstTensorView a, ConstTensorView b, TensorView y);
void fill(const Stream& stream, TensorView dst, float value);
void cast(const Stream& stream, ConstTensorView src, TensorView dst);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
