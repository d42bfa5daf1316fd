// SPDX-License-Identifier: Apache-2.0
#include "race_hooks.h"

#include "block.h"
#include "race_detector.h"
#include "simt/executor.h"

namespace simt::race {
namespace {

Detector& detector() {
  thread_local Detector detector;
  return detector;
}

}  // namespace

void begin_launch(const Grid& grid) {
  detector().begin_launch(grid);
}

void begin_block(uint3 index, const void* shared, std::size_t shared_bytes) {
  detector().begin_block(index, shared, shared_bytes);
}

void switch_to(int thread, const Fiber& fiber) {
  detector().switch_to(thread, fiber.stack_bottom(), fiber.stack_bytes());
}

void barrier_released() {
  detector().barrier_released();
}

void warp_synchronised(std::uint32_t mask) {
  detector().warp_synchronised(mask);
}

// The source is read at some time between issue and wait; reading it at both ends covers a writer
// on either side of a barrier.
void copy_issued(const PendingCopy& copy) {
  if (!detector().enabled()) {
    return;
  }
  if (copy.valid) {
    detector().access(copy.global, copy.bytes, Kind::read, copy.code);
  }
  detector().access(copy.shared, copy.bytes, Kind::copy, copy.code);
}

void copy_completed(const PendingCopy& copy) {
  if (!detector().enabled()) {
    return;
  }
  if (copy.valid) {
    detector().access(copy.global, copy.bytes, Kind::read, copy.code);
  }
  detector().complete_copy(copy.shared, copy.bytes, copy.code);
}

void matrix_word_read(int lane, const void* word, const void* code) {
  if (detector().enabled()) {
    detector().access_by_lane(lane, word, 4, code);
  }
}

void atomic_access(const void* address, std::size_t bytes, const void* code, AtomicOrder order) {
  const ExecutorCode unwatched;
  if (detector().enabled()) {
    detector().access(address, bytes, Kind::atomic, code);
    detector().atomic_done(address, order);
  }
}

void fence() {
  const ExecutorCode unwatched;
  if (detector().enabled()) {
    detector().fence();
  }
}

bool found() {
  return detector().found();
}

std::string report() {
  return detector().report();
}

KernelCode::KernelCode() {
  watching = detector().enabled() ? &detector() : nullptr;
}

KernelCode::~KernelCode() {
  watching = nullptr;
}

ExecutorCode::ExecutorCode() : before_(watching) {
  watching = nullptr;
}

ExecutorCode::~ExecutorCode() {
  watching = static_cast<Detector*>(before_);
}

}  // namespace simt::race

std::uint64_t simt::watched_accesses() {
  return race::detector().accesses();
}
