// SPDX-License-Identifier: Apache-2.0
// What the engine runs on in the tests of the CUDA backend: the host executor or a GPU, whichever
// backend a test is linked with.
#pragma once

#include <memory>

#include "accrete/kernels/device_runtime.h"

namespace accrete::test {

std::unique_ptr<DeviceRuntime> make_test_runtime();

}  // namespace accrete::test
