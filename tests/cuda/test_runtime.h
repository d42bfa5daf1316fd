// SPDX-License-Identifier: Apache-2.0
// What the engine runs on in the tests of the CUDA backend.
#pragma once

#include <memory>

#include "accrete/kernels/device_runtime.h"

namespace accrete::test {

/// The host executor or a GPU, whichever backend a test is linked with.
std::unique_ptr<DeviceRuntime> make_test_runtime();

/// The host executor as a GPU. Device memory is host memory of its own, capture stores launches.
/// `memory_limit` is what free_bytes() reports.
std::unique_ptr<DeviceRuntime> make_executor_runtime(std::int64_t memory_limit = 1 << 30);

}  // namespace accrete::test
