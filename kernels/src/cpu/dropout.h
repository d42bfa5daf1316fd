// SPDX-License-Identifier: Apache-2.0
// CPU kernel of dropout.h; arguments are valid.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/random.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

/// y (= or +=) x under the mask: forward and backward are the same map.
void dropout(ThreadPool& pool, float rate, const RandomKey& key, const ConstTensorView& x,
             const TensorView& y, GradMode mode);

}  // namespace accrete::kernels::cpu
