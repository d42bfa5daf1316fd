// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/thread_pool.h"

#include <sys/resource.h>

#include <atomic>
#include <vector>

#include "accrete/kernels/error.h"
#include "support/catch.h"
#include "support/sanitizers.h"

using accrete::ThreadPool;

TEST_CASE("parallel_for runs every task exactly once") {
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    REQUIRE(pool.size() == threads);
    for (const std::int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) {
      INFO(threads << " threads, " << tasks << " tasks");
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      pool.parallel_for(tasks, [&](std::int64_t task) { ++runs[static_cast<std::size_t>(task)]; });
      std::int64_t once = 0;
      for (const std::atomic<int>& count : runs) {
        once += count == 1 ? 1 : 0;
      }
      CHECK(once == tasks);
    }
  }
}

TEST_CASE("parallel_for is complete when it returns, over many small calls") {
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    std::vector<std::int64_t> values(5, 0);
    int wrong = 0;
    for (std::int64_t call = 1; call <= 5000; ++call) {
      pool.parallel_for(5, [&](std::int64_t task) { ++values[static_cast<std::size_t>(task)]; });
      for (const std::int64_t value : values) {
        wrong += value == call ? 0 : 1;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("parallel_for takes a body that is called as const or not") {
  ThreadPool pool(2);
  std::atomic<int> calls{0};
  const auto constant = [&](std::int64_t) { ++calls; };
  pool.parallel_for(3, constant);
  auto changing = [&](std::int64_t) { ++calls; };
  pool.parallel_for(3, changing);
  CHECK(calls == 6);
}

TEST_CASE("a pool without threads is refused") {
  CHECK_THROWS_AS(ThreadPool(0), accrete::Error);
  CHECK_THROWS_WITH(ThreadPool(-1), "[thread_pool] needs at least 1 thread, got -1");
}

TEST_CASE("threads that the system refuses are one error, and those that were started end") {
  if (accrete::test::kHasShadowMemory) {
    WARN("not tried: a sanitizer's shadow memory is above every limit");
    return;
  }
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = rlim_t{1} << 30;  // stacks of 8 MiB
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  std::string message;
  try {
    const ThreadPool pool(4000);
  } catch (const accrete::Error& error) {
    CHECK(error.code() == accrete::ErrorCode::out_of_memory);
    message = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK_THAT(message,
             Catch::Matchers::Contains(" of 4000 threads") && Catch::Matchers::Contains("ulimit"));
}

TEST_CASE("available_threads is at least one") {
  CHECK(accrete::available_threads() >= 1);
}
