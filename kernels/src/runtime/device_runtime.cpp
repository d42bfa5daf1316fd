// SPDX-License-Identifier: Apache-2.0
// Copies beside computation on devices that run calls at once: there is no beside.
#include "accrete/kernels/device_runtime.h"

#include <new>

namespace accrete {

std::unique_ptr<Fence> DeviceRuntime::fence() {
  return nullptr;
}

std::unique_ptr<Fence> DeviceRuntime::upload_beside(void* device, const void* host,
                                                    std::int64_t bytes, const Fence* /*after*/) {
  upload(device, host, bytes);
  return nullptr;
}

void DeviceRuntime::order_after(const Fence* /*fence*/) {}

void* DeviceRuntime::allocate_host(std::int64_t bytes) {
  return ::operator new(static_cast<std::size_t>(bytes));
}

void DeviceRuntime::release_host(void* memory) noexcept {
  ::operator delete(memory);
}

}  // namespace accrete
