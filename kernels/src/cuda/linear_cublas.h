// SPDX-License-Identifier: Apache-2.0
// Linear layers through cuBLAS. Arguments are those of linear.h; stream.blas() is not null.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels::cuda {

/// y (= or +=) x * weight^T. `mode` lets the caller put a bias into y first.
void cublas_linear_forward(const Stream& stream, const ConstTensorView& x,
                           const ConstTensorView& weight, const TensorView& y, GradMode mode);
void cublas_linear_dgrad(const Stream& stream, const ConstTensorView& grad_y,
                         const ConstTensorView& weight, const TensorView& grad_x, GradMode mode);
void cublas_linear_wgrad(const Stream& stream, const ConstTensorView& x,
                         const ConstTensorView& grad_y, const TensorView& grad_weight,
                         GradMode mode);

}  // namespace accrete::kernels::cuda
