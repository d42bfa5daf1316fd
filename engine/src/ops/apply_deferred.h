// SPDX-License-Identifier: Apache-2.0
// What batch norm still owes to a gradient, as an op of its own: for ops that cannot apply it to
// what they load.
#pragma once

#include <memory>

#include "accrete/engine/op.h"

namespace accrete {

/// Inputs g, y, mean, inv_std, a, b (kernels/norm_relu.h); output: the gradient of y.
std::shared_ptr<const Op> make_apply_deferred();

}  // namespace accrete
