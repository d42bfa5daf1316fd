// SPDX-License-Identifier: Apache-2.0
// Whatever goes wrong in a loader, in whichever thread, is an Error where the loader is used.
// Replaces operator new, which throws what a test wants at the allocation that it wants, and the
// locking of mutexes, which fails. Sanitizers replace both themselves.
#include "support/sanitizers.h"

#if !defined(ACCRETE_TEST_ADDRESS_SANITIZER) && !defined(ACCRETE_TEST_THREAD_SANITIZER)
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "accrete/data/batch_loader.h"
#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"
#include "support/catch.h"

namespace {

const pthread_t main_thread = pthread_self();

bool is_main_thread() {
  return pthread_equal(pthread_self(), main_thread) != 0;
}

// What is thrown, once, by the allocation of a thread before which so many others went.
struct Plan {
  void (*fail)() = nullptr;
  bool in_main_thread = false;
};
Plan plan;
std::atomic<int> allocations_left{-1};  // negative: none fails
std::atomic<bool> refuse_locks{false};  // to all threads but the main one

void arm(void (*fail)(), bool in_main_thread, int allocations) {
  plan = {fail, in_main_thread};
  allocations_left = allocations;
}

// Whether the allocation has been reached that was to fail.
bool disarm() {
  return allocations_left.exchange(-1) < 0;
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (allocations_left >= 0 && is_main_thread() == plan.in_main_thread &&
      allocations_left.fetch_sub(1) == 0) {
    plan.fail();
  }
  void* memory = std::malloc(bytes > 0 ? bytes : 1);
  return memory != nullptr ? memory : throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  using Lock = int (*)(pthread_mutex_t*);
  static const auto lock = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  return refuse_locks && !is_main_thread() ? EINVAL : lock(mutex);
}

namespace accrete::data {
namespace {

using Catch::Matchers::Contains;

constexpr int kMostAllocations = 1000;

const ImageDataset& images() {
  static const ImageDataset set = [] {
    SyntheticOptions options;
    options.image_size = 8;
    options.train_images = 20;
    return make_synthetic(options).train;
  }();
  return set;
}

LoaderOptions batches_of_4() {
  LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = true;
  return options;
}

std::int64_t batches_of_epoch(BatchLoader& loader) {
  loader.start_epoch(0);
  std::int64_t count = 0;
  while (loader.next() != nullptr) {
    ++count;
  }
  return count;
}

// Lets the first allocation of an epoch fail in the worker's thread, the second, and so on.
void require_errors_of_next(void (*fail)(), ErrorCode code, const char* message) {
  for (int allocations = 0; allocations < kMostAllocations; ++allocations) {
    BatchLoader loader(images(), batches_of_4());
    arm(fail, false, allocations);
    std::int64_t count = 0;
    try {
      count = batches_of_epoch(loader);
    } catch (const Error& error) {
      REQUIRE(disarm());
      REQUIRE(error.code() == code);
      REQUIRE_THAT(error.what(), Contains(message));
      REQUIRE(batches_of_epoch(loader) == 5);
      continue;
    }
    CHECK_FALSE(disarm());
    CHECK(count == 5);
    CHECK(allocations > 2);
    return;
  }
  FAIL("an epoch without end");
}

}  // namespace

TEST_CASE("what the worker's thread throws is an Error of next()") {
  SECTION("memory") {
    require_errors_of_next([] { throw std::bad_alloc(); }, ErrorCode::out_of_memory, "memory");
  }
  SECTION("a container that would be too long") {
    require_errors_of_next([] { throw std::length_error("long"); }, ErrorCode::out_of_memory,
                           "memory");
  }
  SECTION("an Error") {
    require_errors_of_next([] { throw Error(ErrorCode::data, "planted"); }, ErrorCode::data,
                           "planted");
  }
  SECTION("another exception") {
    require_errors_of_next([] { throw std::runtime_error("planted"); }, ErrorCode::internal,
                           "unexpected failure: planted");
  }
  SECTION("what is no exception at all") {
    require_errors_of_next([] { throw 7; }, ErrorCode::internal, "unexpected failure:");
  }
}

TEST_CASE("a loader that gets no memory, not even for its thread, is an Error") {
  for (int allocations = 0; allocations < kMostAllocations; ++allocations) {
    arm([] { throw std::bad_alloc(); }, true, allocations);
    try {
      BatchLoader loader(images(), batches_of_4());
      if (!disarm()) {
        CHECK(allocations > 2);
        return;
      }
    } catch (const Error& error) {
      REQUIRE(disarm());
      REQUIRE(error.code() == ErrorCode::out_of_memory);
    }
  }
  FAIL("a loader without end");
}

TEST_CASE("a worker that cannot go on says so, in this epoch and in every other") {
  BatchLoader loader(images(), batches_of_4());
  CHECK(batches_of_epoch(loader) == 5);
  refuse_locks = true;
  for (int epoch = 0; epoch < 2; ++epoch) {
    CHECK_THROWS_WITH(batches_of_epoch(loader), Contains("unexpected failure:"));
  }
  refuse_locks = false;
  CHECK_THROWS_WITH(batches_of_epoch(loader), Contains("unexpected failure:"));
}

}  // namespace accrete::data
#endif
