// SPDX-License-Identifier: Apache-2.0
// The --device flag.
#pragma once

#include <memory>
#include <string>

#include "accrete/kernels/device_runtime.h"

namespace accrete::apps {

struct DeviceChoice {
  Device device;
  std::string note;  ///< a sentence for the user when auto had to take the CPU, else empty
};

/// What "auto", "cpu" or "cuda:N" means on this machine. Error(invalid_argument) for other words,
/// Error(unsupported) for a GPU that cannot be used.
DeviceChoice choose_device(const std::string& name);

/// The runtime of a chosen device; `pool` serves the CPU and must outlive it.
std::unique_ptr<DeviceRuntime> make_runtime(const Device& device, ThreadPool& pool);

}  // namespace accrete::apps
