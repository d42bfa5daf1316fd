// SPDX-License-Identifier: Apache-2.0
// The table of the CUDA kernels.
#pragma once

#include "cuda/abi.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

const CudaBackend& backend();

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
