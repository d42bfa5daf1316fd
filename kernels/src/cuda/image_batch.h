// SPDX-License-Identifier: Apache-2.0
// CUDA kernel of image_batch.h; arguments are valid.
#pragma once

#include "accrete/kernels/image_batch.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void image_batch(const Stream& stream, const ImageTransform& transform, const void* tables,
                 const ImageSet& set, const ImagePick* picks, TensorView images, TensorView labels);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
