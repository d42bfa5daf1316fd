// SPDX-License-Identifier: Apache-2.0
// A loader whose thread is refused memory, or that is refused its thread: an error where it is
// used, and nothing that waits for ever. Replaces pthread_create to refuse threads.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "accrete/data/batch_loader.h"
#include "accrete/data/synthetic.h"
#include "accrete/kernels/error.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/sanitizers.h"

namespace {

std::atomic<bool> refuse_threads{false};

}  // namespace

#ifndef ACCRETE_TEST_THREAD_SANITIZER  // which replaces it itself
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return refuse_threads ? EAGAIN : create(thread, attributes, body, argument);
}
#endif

namespace accrete::data {
namespace {

using Catch::Matchers::Contains;
using test::AllocationLimit;

// Batches of 4 images take 24 KiB and more in any dtype, all else that a loader allocates less.
constexpr std::size_t kBatchBytes = std::size_t{20} << 10;

ImageDataset images() {
  SyntheticOptions options;
  options.train_images = 20;
  options.test_images = 1;
  return make_synthetic(options).train;
}

LoaderOptions batches_of_4() {
  LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = true;
  return options;
}

void require_out_of_memory(BatchLoader& loader) {
  try {
    loader.next();
    FAIL("no error");
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::out_of_memory);
    REQUIRE_THAT(error.what(), Contains("[4,32,32,3]") && Contains("MiB"));
  }
}

std::int64_t batches_of_epoch(BatchLoader& loader, std::int64_t epoch) {
  loader.start_epoch(epoch);
  std::int64_t count = 0;
  while (loader.next() != nullptr) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a batch that gets no memory is an error of next(), every time it is asked for") {
  if (!test::knows_allocations()) {
    return;
  }
  const ImageDataset set = images();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    BatchLoader loader(set, batches_of_4(), dtype);
    {
      const AllocationLimit limit(kBatchBytes);
      loader.start_epoch(0);
      require_out_of_memory(loader);
      require_out_of_memory(loader);
      loader.start_epoch(1);
      require_out_of_memory(loader);
    }
    CHECK(batches_of_epoch(loader, 2) == 5);
  }
}

TEST_CASE("a loader that failed, asked or not, ends") {
  if (!test::knows_allocations()) {
    return;
  }
  const ImageDataset set = images();
  const AllocationLimit limit(kBatchBytes);
  for (int repeat = 0; repeat < 50; ++repeat) {
    BatchLoader unasked(set, batches_of_4());
    unasked.start_epoch(0);
    BatchLoader asked(set, batches_of_4());
    asked.start_epoch(0);
    require_out_of_memory(asked);
  }
}

TEST_CASE("a batch that the epoch does not have is an error of next()") {
  const ImageDataset set = images();
  BatchLoader loader(set, batches_of_4());
  loader.start_epoch(0, -1);
  CHECK_THROWS_WITH(loader.next(), Contains("batch -1"));
  loader.start_epoch(0, 5);
  CHECK(loader.next() == nullptr);
  CHECK(batches_of_epoch(loader, 0) == 5);
}

TEST_CASE("a loader without its thread is an error that says what to do") {
  if (test::kHasThreadSanitizer) {
    WARN("not tried: ThreadSanitizer replaces pthread_create itself");
    return;
  }
  const ImageDataset set = images();
  for (int repeat = 0; repeat < 3; ++repeat) {
    refuse_threads = true;
    try {
      BatchLoader loader(set, batches_of_4());
      refuse_threads = false;
      FAIL("no error");
    } catch (const Error& error) {
      refuse_threads = false;
      CHECK(error.code() == ErrorCode::out_of_memory);
      CHECK_THAT(error.what(), Contains("thread") && Contains("ulimit -u"));
    }
  }
  BatchLoader loader(set, batches_of_4());
  CHECK(batches_of_epoch(loader, 0) == 5);
}

TEST_CASE("picks and orders that get no memory say so") {
  if (!test::knows_allocations()) {
    return;
  }
  LoaderOptions options = batches_of_4();
  options.batch_size = 10'000;
  BatchPicks picks(10'000, options);
  {
    const AllocationLimit limit(kBatchBytes);
    CHECK_THROWS_WITH(picks.start_epoch(0), Contains("the order of 10000 images"));
  }
  picks.start_epoch(0);
  const AllocationLimit limit(kBatchBytes);
  CHECK_THROWS_WITH(picks.batch(0), Contains("the picks of 10000 images"));
}

}  // namespace accrete::data
