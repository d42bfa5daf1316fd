// SPDX-License-Identifier: Apache-2.0
// Atomics and fences of kernels. Out of line, so that the race detector can tell them from plain
// accesses.
#include "race_hooks.h"
#include "simt/device.h"
#include "simt/instructions.h"

namespace simt {

unsigned atomic_add(unsigned* address, unsigned value) {
  race::atomic_access(address, sizeof(*address), __builtin_return_address(0),
                      race::AtomicOrder::relaxed);
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

int atomic_add(int* address, int value) {
  race::atomic_access(address, sizeof(*address), __builtin_return_address(0),
                      race::AtomicOrder::relaxed);
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

std::uint32_t increment_release(std::uint32_t* counter, std::uint32_t limit) {
  race::atomic_access(counter, sizeof(*counter), __builtin_return_address(0),
                      race::AtomicOrder::release);
  const std::uint32_t held = *counter;  // blocks and threads take turns
  *counter = held >= limit ? 0 : held + 1;
  return held;
}

void fence_acq_rel() {
  race::fence();
}

}  // namespace simt
