// SPDX-License-Identifier: Apache-2.0
// What the executor tells the race detector. In the library accrete_simt, which has no detector,
// all of it is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "simt/executor.h"

namespace simt {

class Fiber;
struct PendingCopy;

namespace race {

enum class AtomicOrder : std::uint8_t { relaxed, release };

#if defined(SIMT_RACE_DETECTOR)

/// Accesses of different launches are ordered.
void begin_launch(const Grid& grid);
/// What the block before has done to `shared` is forgotten.
void begin_block(uint3 index, const void* shared, std::size_t shared_bytes);
/// `thread` is the one that runs from now on, on the stack of `fiber`.
void switch_to(int thread, const Fiber& fiber);
/// All threads of the block are at the barrier.
void barrier_released();
/// The lanes in `mask` of the running thread's warp are at a __syncwarp.
void warp_synchronised(std::uint32_t mask);

void copy_issued(const PendingCopy& copy);
void copy_completed(const PendingCopy& copy);
/// A 4-byte read by a lane of the running warp.
void matrix_word_read(int lane, const void* word, const void* code);
void atomic_access(const void* address, std::size_t bytes, const void* code, AtomicOrder order);
void fence();

/// Whether the block has raced; then report() says who, and where in the source.
bool found();
std::string report();

/// While one lives, accesses by instrumented code are a kernel's.
class KernelCode {
 public:
  KernelCode();
  ~KernelCode();
  KernelCode(const KernelCode&) = delete;
  KernelCode& operator=(const KernelCode&) = delete;
};

/// While one lives, they are the executor's own: the linker may have chosen the instrumented copy
/// of an inline function that the executor calls.
class ExecutorCode {
 public:
  ExecutorCode();
  ~ExecutorCode();
  ExecutorCode(const ExecutorCode&) = delete;
  ExecutorCode& operator=(const ExecutorCode&) = delete;

 private:
  void* const before_;
};

#else

inline void begin_launch(const Grid& /*grid*/) {}
inline void begin_block(uint3 /*index*/, const void* /*shared*/, std::size_t /*shared_bytes*/) {}
inline void switch_to(int /*thread*/, const Fiber& /*fiber*/) {}
inline void barrier_released() {}
inline void warp_synchronised(std::uint32_t /*mask*/) {}
inline void copy_issued(const PendingCopy& /*copy*/) {}
inline void copy_completed(const PendingCopy& /*copy*/) {}
inline void matrix_word_read(int /*lane*/, const void* /*word*/, const void* /*code*/) {}
inline void atomic_access(const void* /*address*/, std::size_t /*bytes*/, const void* /*code*/,
                          AtomicOrder /*order*/) {}
inline void fence() {}
inline bool found() {
  return false;
}
inline std::string report() {
  return {};
}
struct [[maybe_unused]] KernelCode {};
struct [[maybe_unused]] ExecutorCode {};

#endif

}  // namespace race
}  // namespace simt
