// SPDX-License-Identifier: Apache-2.0
// Atomics of kernels. Out of line, so that the race detector can tell them from plain accesses.
#include "race_hooks.h"
#include "simt/device.h"

namespace simt {

unsigned atomic_add(unsigned* address, unsigned value) {
  race::atomic_access(address, sizeof(*address), __builtin_return_address(0));
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

int atomic_add(int* address, int value) {
  race::atomic_access(address, sizeof(*address), __builtin_return_address(0));
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

}  // namespace simt
