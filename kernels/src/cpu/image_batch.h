// SPDX-License-Identifier: Apache-2.0
// CPU kernel of image_batch.h; arguments are valid.
#pragma once

#include "accrete/kernels/image_batch.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

void image_batch(ThreadPool& pool, const ImageTransform& transform, const void* tables,
                 const ImageSet& set, const ImagePick* picks, const TensorView& images,
                 const TensorView& labels);

}  // namespace accrete::kernels::cpu
