// SPDX-License-Identifier: Apache-2.0
// CPU kernels of optimizer.h; arguments are valid.
#pragma once

#include "accrete/kernels/optimizer.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

void sgd_step(ThreadPool& pool, const SgdOptions& options, const SgdParameter* parameters,
              std::int64_t num_parameters);
void adam_step(ThreadPool& pool, const AdamOptions& options, std::int64_t step,
               const AdamParameter* parameters, std::int64_t num_parameters);

}  // namespace accrete::kernels::cpu
