// SPDX-License-Identifier: Apache-2.0
// A GPU that is the host executor: what the engine runs on in tests without a GPU.
#pragma once

#include <memory>

#include "accrete/kernels/device_runtime.h"

namespace accrete::test {

/// Device memory is host memory of its own, capture stores launches. `memory_limit` is what
/// free_bytes() reports.
std::unique_ptr<DeviceRuntime> make_executor_runtime(std::int64_t memory_limit = 1 << 30);

}  // namespace accrete::test
