// SPDX-License-Identifier: Apache-2.0
// A batch made from images kept as bytes, in double precision.
#pragma once

#include <cstdint>
#include <vector>

#include "accrete/kernels/image_batch.h"

namespace accrete::reference {

/// One image of P x Q pixels. `bytes` [H,W,C] is the picked image.
std::vector<double> batch_image(const kernels::ImageTransform& transform,
                                const std::vector<std::uint8_t>& bytes,
                                const kernels::ImagePick& pick, std::int64_t P, std::int64_t Q);

}  // namespace accrete::reference
