// SPDX-License-Identifier: Apache-2.0
// CPU kernels of dropout.h; arguments are valid. Backward is the same function of grad_y.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/random.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

/// y (= or +=) x / (1 - rate) where the element is kept, else 0.
void dropout(ThreadPool& pool, float rate, const RandomKey& key, const ConstTensorView& x,
             const TensorView& y, GradMode mode);

}  // namespace accrete::kernels::cpu
