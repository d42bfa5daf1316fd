// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of optimizer.h; arguments are valid.
#pragma once

#include "accrete/kernels/optimizer.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void sgd_step(const Stream& stream, const SgdOptions& options, const SgdParameter* parameters,
              std::int64_t num_parameters);
void adam_step(const Stream& stream, const AdamOptions& options, std::int64_t step,
               const AdamParameter* parameters, std::int64_t num_parameters);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
