// SPDX-License-Identifier: Apache-2.0
// One worker fills a small ring of batches ahead of the consumer. A change of epoch bumps a
// generation number; the worker drops what it prepared for an older one.
#include "accrete/data/batch_loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/image_batch.h"
#include "host_memory.h"

namespace accrete::data {
namespace {

constexpr std::size_t kBatchesAhead = kBatchesHeld - 1;
constexpr auto kLook = std::chrono::milliseconds(200);

Shape batch_shape(const kernels::ImageTransform& transform, std::int64_t size) {
  return {size, transform.resized_height, transform.resized_width, transform.channels};
}

// The Error of what has gone wrong in the worker; `memory` is what the batches take.
Error error_of(const std::exception_ptr& failure, const std::string& memory) {
  return reporting_memory(memory, [&]() -> Error {
    try {
      std::rethrow_exception(failure);
    } catch (const Error& error) {
      return error;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::length_error&) {
      throw;
    } catch (const std::exception& error) {
      return {ErrorCode::internal,
              std::string("[batch_loader] unexpected failure: ") + error.what()};
    } catch (...) {
      return {ErrorCode::internal, "[batch_loader] unexpected failure: no exception that is known"};
    }
  });
}

// Asks for the memory of all batches before the first is filled.
std::string require_batch_memory(const kernels::ImageTransform& transform, const BatchPicks& picks,
                                 DType images, const FieldNames& names) {
  const Shape shape = batch_shape(transform, picks.batch_size_of(0));
  check_shape(shape, "a batch of images");
  const std::int64_t batch = shape.elements() * static_cast<std::int64_t>(dtype_bytes(images));
  const auto count = std::min(kBatchesHeld, picks.batches_per_epoch());
  const std::string what =
      std::to_string(count) + " batches of " + to_string(shape) + " images in host memory";
  require_memory(
      batch * count, what,
      "make " + named(names, "batch_size") + " or " + named(names, "image_size") + " smaller");
  return what + " (" + mebibytes(batch * count) + ")";
}

}  // namespace

struct BatchLoader::State {
  State(const ImageDataset& dataset_in, const LoaderOptions& options, DType images)
      : dataset(dataset_in),
        image_dtype(images),
        picks(dataset.num_images, options),
        transform(image_transform(options, dataset)),
        memory(require_batch_memory(transform, picks, images, options.names)),
        tables((kernels::image_tables_bytes(transform) + sizeof(double) - 1) / sizeof(double)) {
    check_dataset(dataset);
    kernels::make_image_tables(transform, tables.data());
    ready.reserve(kBatchesHeld);
    for (std::int64_t i = 0; i < kBatchesHeld; ++i) {
      spare.push_back(std::make_unique<Batch>());
    }
    next_to_prepare = next_to_deliver = batches();
  }

  const ImageDataset& dataset;
  DType image_dtype;
  BatchPicks picks;  // the worker's, but for the constant numbers of batches
  kernels::ImageTransform transform;
  std::string memory;  // what the batches take, for messages
  std::vector<double> tables;
  ThreadPool alone{1};

  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  std::uint64_t generation = 0;
  std::int64_t epoch = 0;
  std::int64_t next_to_prepare = 0;  // batch index; == batches_per_epoch when done
  std::int64_t next_to_deliver = 0;
  // The batches move between these three and the worker; nothing is allocated for that.
  std::vector<std::unique_ptr<Batch>> ready;
  std::vector<std::unique_ptr<Batch>> spare;
  std::unique_ptr<Batch> delivered;
  std::exception_ptr failure;  // of the batch after those that are ready
  std::exception_ptr end;      // of the worker, if it has ended before it was told to
  std::atomic<bool> ended = false;
  double waited = 0.0;
  std::thread worker;

  std::int64_t batches() const { return picks.batches_per_epoch(); }

  bool has_work() const { return next_to_prepare < batches() && ready.size() < kBatchesAhead; }

  TensorView image_room(Batch& batch, const Shape& shape) const {
    const auto count = static_cast<std::size_t>(shape.elements());
    if (image_dtype == DType::bf16) {
      batch.bf16_images.resize(count);
      return {batch.bf16_images.data(), shape, image_dtype};
    }
    batch.images.resize(count);
    return {batch.images.data(), shape, image_dtype};
  }

  void fill(Batch& batch, std::int64_t index) {
    const std::vector<kernels::ImagePick> chosen = picks.batch(index);
    batch.size = static_cast<std::int64_t>(chosen.size());
    batch.labels.resize(chosen.size());
    const Shape set{dataset.num_images, dataset.height, dataset.width, dataset.channels};
    const kernels::ImageSet images{{dataset.pixels.data(), set, DType::u8},
                                   {dataset.labels.data(), {set.n, 1, 1, 1}, DType::i32}};
    kernels::run(
        Stream::cpu(alone),
        kernels::ImageBatch{transform, tables.data(), images, chosen.data(),
                            image_room(batch, batch_shape(transform, batch.size)),
                            TensorView(batch.labels.data(), {batch.size, 1, 1, 1}, DType::i32)});
  }

  // Nothing may leave the worker's thread but through `failure` and `end`.
  void work() noexcept {
    try {
      prepare_until_stopped();
    } catch (...) {  // no batch is at fault, but the system's locks
      end = std::current_exception();
      ended = true;
      changed.notify_all();
    }
  }

  void prepare_until_stopped() {
    std::uint64_t picks_generation = 0;
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stop || has_work(); });
      if (stop) {
        return;
      }
      prepare_next(lock, picks_generation);
      changed.notify_all();
    }
  }

  void prepare_next(std::unique_lock<std::mutex>& lock, std::uint64_t& picks_generation) {
    const std::uint64_t mine = generation;
    const std::int64_t index = next_to_prepare++;
    const std::int64_t wanted_epoch = epoch;
    std::unique_ptr<Batch> batch = std::move(spare.back());
    spare.pop_back();
    lock.unlock();
    std::exception_ptr trouble;
    try {
      if (picks_generation != mine) {
        picks.start_epoch(wanted_epoch);
        picks_generation = mine;
      }
      fill(*batch, index);
    } catch (...) {
      trouble = std::current_exception();
    }
    lock.lock();
    const bool wanted = generation == mine;
    (wanted && !trouble ? ready : spare).push_back(std::move(batch));
    if (wanted && trouble) {
      failure = trouble;
      next_to_prepare = batches();
    }
  }

  void drop_prepared() {
    for (std::unique_ptr<Batch>& batch : ready) {
      spare.push_back(std::move(batch));
    }
    ready.clear();
    failure = nullptr;
  }
};

const void* Batch::image_data() const {
  return bf16_images.empty() ? static_cast<const void*>(images.data()) : bf16_images.data();
}

BatchLoader::BatchLoader(const ImageDataset& dataset, const LoaderOptions& options, DType images)
    : state_(reporting_memory("a loader of batches",
                              [&] { return std::make_unique<State>(dataset, options, images); })) {
  try {
    reporting_memory("the thread of a loader of batches", [&] {
      state_->worker = std::thread([state = state_.get()] { state->work(); });
    });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::out_of_memory,
                std::string("the system refuses a thread for preparing batches: ") + error.what() +
                    "; use fewer threads, end other programs or raise the limit (ulimit -u)");
  }
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  state_->worker.join();
}

std::int64_t BatchLoader::batches_per_epoch() const {
  return state_->picks.batches_per_epoch();
}

std::int64_t BatchLoader::batch_size_of(std::int64_t index) const {
  return state_->picks.batch_size_of(index);
}

void BatchLoader::start_epoch(std::int64_t epoch, std::int64_t first_batch) {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    ++state_->generation;
    state_->epoch = epoch;
    state_->next_to_prepare = state_->next_to_deliver = first_batch;
    state_->drop_prepared();
  }
  state_->changed.notify_all();
}

const Batch* BatchLoader::next() {
  State& state = *state_;
  std::unique_lock<std::mutex> lock(state.mutex);
  if (state.delivered) {
    state.spare.push_back(std::move(state.delivered));
  }
  if (state.next_to_deliver >= state.batches()) {
    return nullptr;
  }
  const auto start = std::chrono::steady_clock::now();
  // A worker that ends because it cannot lock may notify just before this waits: looks now and
  // then.
  while (!state.changed.wait_for(
      lock, kLook, [&] { return !state.ready.empty() || state.failure || state.ended; })) {
  }
  state.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (state.ready.empty()) {
    throw error_of(state.failure ? state.failure : state.end, state.memory);
  }
  state.delivered = std::move(state.ready.front());
  state.ready.erase(state.ready.begin());
  ++state.next_to_deliver;
  state.changed.notify_all();
  return state.delivered.get();
}

double BatchLoader::wait_seconds() const {
  return state_->waited;
}

}  // namespace accrete::data
