// SPDX-License-Identifier: Apache-2.0
// Worker threads of the CPU backend.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace accrete {

/// A fixed set of worker threads. Results never depend on how many there are: work is cut into
/// tasks whose number and order of combination depend on the problem alone, and any thread may
/// take any task.
class ThreadPool {
 public:
  /// `threads` >= 1 includes the calling thread. Throws Error(invalid_argument) otherwise, and
  /// Error(out_of_memory) if the system refuses to start that many.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  /// Calls `body(task)` once for every task in [0, tasks), on any thread, and returns when all are
  /// done. The caller takes part. Denormals are flushed to zero inside `body`. Not reentrant; one
  /// caller at a time. `body` must not throw. Allocates nothing.
  template <class Body>
  void parallel_for(std::int64_t tasks, Body&& body) {
    run(
        tasks,
        [](void* context, std::int64_t task) {
          (*static_cast<std::remove_reference_t<Body>*>(context))(task);
        },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using TaskFunction = void (*)(void* context, std::int64_t task);
  void run(std::int64_t tasks, TaskFunction function, void* context);

  struct State;
  std::unique_ptr<State> state_;
};

/// Hardware threads this process may use (at least 1), from its affinity mask.
int available_threads();

}  // namespace accrete
