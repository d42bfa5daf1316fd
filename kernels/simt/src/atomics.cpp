// SPDX-License-Identifier: Apache-2.0
// Atomics and fences of kernels. Out of line, so that the race detector can tell them from plain
// accesses.
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

unsigned atomic_increment(unsigned* address, unsigned limit) {
  race::atomic_access(address, sizeof(*address), __builtin_return_address(0));
  const unsigned old = *address;  // blocks and threads take turns
  *address = old >= limit ? 0 : old + 1;
  return old;
}

void thread_fence() {
  race::thread_fence();
}

}  // namespace simt
