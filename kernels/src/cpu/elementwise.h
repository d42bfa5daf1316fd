// SPDX-License-Identifier: Apache-2.0
// CPU kernels of elementwise.h; arguments are valid.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

/// Where nothing accumulates the dtypes may differ.
void copy(ThreadPool& pool, const ConstTensorView& src, const TensorView& dst, GradMode mode);
void add(ThreadPool& pool, const ConstTensorView& a, const ConstTensorView& b, const TensorView& y);
void fill(ThreadPool& pool, const TensorView& dst, float value);

}  // namespace accrete::kernels::cpu
