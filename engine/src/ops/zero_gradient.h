// SPDX-License-Identifier: Apache-2.0
// A gradient that is known to be zero.
#pragma once

#include <memory>

#include "accrete/engine/op.h"

namespace accrete {

/// No inputs; output: zeros of this f32 shape.
std::shared_ptr<const Op> make_zero_gradient(const Shape& shape);
bool is_zero_gradient(const Op& op);

}  // namespace accrete
