// SPDX-License-Identifier: Apache-2.0
// What launches ask the CUDA runtime.
#pragma once

#include "cuda/launch_limits.h"

namespace accrete::kernels::cuda {

/// Of GPU number `index`. Asked once.
DeviceLimits device_limits(int index);

/// Of a kernel on the current device, GPU number `index`. Asked once; the first time loads the
/// kernel. `op` names the caller in errors.
KernelFacts kernel_facts(const char* op, const void* kernel, int index);

/// Allows the kernel so much dynamic shared memory on the current device.
void allow_dynamic_shared(const char* op, const void* kernel, std::uint32_t bytes);

}  // namespace accrete::kernels::cuda
