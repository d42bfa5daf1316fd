// SPDX-License-Identifier: Apache-2.0
// Workers spin briefly, then sleep: kernel calls follow each other within microseconds, and a
// futex round trip per call would cost as much as a small kernel.
#include "accrete/kernels/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "accrete/kernels/error.h"

namespace accrete {
namespace {

constexpr auto kSpinTime = std::chrono::microseconds(100);

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Denormals cost hundreds of cycles each and mean nothing to training: flush them while a task
// runs, and give the caller its own mode back.
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : saved_(_mm_getcsr()) {
    _mm_setcsr(saved_ | 0x8040U);
  }
  ~FlushDenormals() {
    _mm_setcsr(saved_);
  }

 private:
  unsigned saved_;
#else
  FlushDenormals() = default;
  ~FlushDenormals() = default;
#endif
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace

// A call publishes the number of unclaimed tasks last. Claiming decrements it; a positive old value
// is a task, and while a claimed task is unfinished the call cannot return, so its other fields
// stay valid. A worker that wakes late finds nothing left, or helps with the next call.
struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<std::uint64_t> generation{0};
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> unclaimed{0};
  std::atomic<std::int64_t> finished{0};
  std::int64_t tasks = 0;
  TaskFunction function = nullptr;
  void* context = nullptr;

  void drain() {
    const FlushDenormals mode;
    for (std::int64_t left = unclaimed.fetch_sub(1, std::memory_order_acq_rel); left > 0;
         left = unclaimed.fetch_sub(1, std::memory_order_acq_rel)) {
      function(context, tasks - left);
      finished.fetch_add(1, std::memory_order_release);
    }
  }

  // Returns when the generation has moved on from `seen`.
  void await_work(std::uint64_t seen) {
    const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
    while (generation.load(std::memory_order_acquire) == seen) {
      pause_briefly();
      if (std::chrono::steady_clock::now() > deadline) {
        std::unique_lock<std::mutex> lock(mutex);
        wake.wait(lock, [&] { return generation.load(std::memory_order_acquire) != seen; });
        return;
      }
    }
  }

  void worker_loop() {
    std::uint64_t seen = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      await_work(seen);
      seen = generation.load(std::memory_order_acquire);
      drain();
    }
  }

  void start_worker() {
    workers.emplace_back([this] { worker_loop(); });
  }

  void stop_workers() {
    stop.store(true, std::memory_order_relaxed);
    announce();
    for (std::thread& worker : workers) {
      worker.join();
    }
  }

  void announce() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      generation.fetch_add(1, std::memory_order_release);
    }
    wake.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads < 1) {
    throw Error(ErrorCode::invalid_argument,
                "[thread_pool] needs at least 1 thread, got " + std::to_string(threads));
  }
  try {
    state_->workers.reserve(static_cast<std::size_t>(threads - 1));
    for (int i = 1; i < threads; ++i) {
      state_->start_worker();
    }
  } catch (const std::exception& error) {  // std::system_error, std::bad_alloc
    const std::size_t started = state_->workers.size() + 1;
    state_->stop_workers();
    throw Error(ErrorCode::out_of_memory,
                "[thread_pool] the system gave " + std::to_string(started) + " of " +
                    std::to_string(threads) + " threads (" + error.what() +
                    "); use fewer, or raise the limits on processes and memory (ulimit -u, -v)");
  }
}

ThreadPool::~ThreadPool() {
  state_->stop_workers();
}

int ThreadPool::size() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::run(std::int64_t tasks, TaskFunction function, void* context) {
  State& state = *state_;
  if (tasks <= 0) {
    return;
  }
  state.tasks = tasks;
  state.function = function;
  state.context = context;
  state.finished.store(0, std::memory_order_relaxed);
  state.unclaimed.store(tasks, std::memory_order_release);
  if (tasks > 1 && !state.workers.empty()) {
    state.announce();
  }
  state.drain();
  while (state.finished.load(std::memory_order_acquire) != tasks) {
    pause_briefly();
  }
}

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) {
      return count;
    }
  }
  const unsigned hardware = std::thread::hardware_concurrency();
  return hardware > 0 ? static_cast<int>(hardware) : 1;
}

}  // namespace accrete
