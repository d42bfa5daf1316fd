// SPDX-License-Identifier: Apache-2.0
// Running grids on the host: one fiber per CUDA thread, one block at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "simt/device_limits.h"
#include "simt/types.h"

namespace simt {

/// In which order runnable threads are taken, and blocks. Every two accesses of one barrier
/// interval that race run one way round in `forward` and the other in `reverse`.
enum class Order : std::uint8_t { forward, reverse, random };

/// When the bytes of a cp.async arrive: as late as the wait allows (until then the destination is
/// NaN), or at once.
enum class AsyncCopies : std::uint8_t { late, early };

struct Schedule {
  Order order = Order::forward;
  AsyncCopies async = AsyncCopies::late;
  std::uint64_t seed = 1;  ///< of Order::random
  /// Whether races are errors, in programs linked with the race detector (accrete_simt_race).
  bool find_races = true;
};

/// For launches of this OS thread from now on. The first value comes from the environment:
/// SIMT_ORDER=forward|reverse|random, SIMT_ASYNC=late|early, SIMT_SEED=number.
void set_schedule(const Schedule& schedule);
const Schedule& schedule();

struct Grid {
  const char* name;  ///< for messages
  dim3 grid;
  dim3 block;
  std::size_t dynamic_shared_bytes;
  const void* kernel;  ///< identifies it
  std::size_t parameter_bytes;
};

/// Runs `body`, the kernel with its arguments, once per thread of the grid. A broken rule
/// (deadlock, divergent barrier, misaligned matrix row, exception) abandons the block and throws
/// Error(device_failure) with kernel, block, thread and place; so does a launch that the device of
/// device_limits.h would refuse.
void run_grid(const Grid& grid, const std::function<void()>& body);

/// Stands for a stream in capture: while `recording`, launches are checked and stored instead of
/// run.
struct Recorder {
  bool recording = false;
  std::vector<std::pair<Grid, std::function<void()>>> launches;
  void replay() const;
};

/// Runs the grid, or stores it when `stream` is a recorder that records.
void submit(void* stream, const Grid& grid, std::function<void()> body);

/// Bank conflicts of the ldmatrix calls since the last reset: phases of eight rows, and the cycles
/// they took. Equal numbers mean conflict-free.
struct MatrixLoads {
  std::int64_t phases = 0;
  std::int64_t cycles = 0;
};
MatrixLoads& matrix_loads();

/// Accesses to memory that the detector has looked at for this OS thread. A test that found no race
/// because nobody looked would otherwise pass.
std::uint64_t watched_accesses();

}  // namespace simt
