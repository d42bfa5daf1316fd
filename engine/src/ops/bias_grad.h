// SPDX-License-Identifier: Apache-2.0
// Gradient of a bias, shared by convolution and linear layers.
#pragma once

#include <memory>

#include "accrete/engine/op.h"

namespace accrete {

/// Inputs: grad_y [N,P,Q,K] and, with accumulate, the sum so far. Output: [1,1,1,K].
std::shared_ptr<const Op> make_bias_grad(GradMode mode);

}  // namespace accrete
