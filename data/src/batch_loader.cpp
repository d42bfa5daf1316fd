// SPDX-License-Identifier: Apache-2.0
// One worker fills a small ring of batches ahead of the consumer. A change of epoch bumps a
// generation number; the worker drops what it prepared for an older one.
#include "accrete/data/batch_loader.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "accrete/kernels/image_batch.h"

namespace accrete::data {
namespace {

constexpr std::size_t kBatchesAhead = 3;

}  // namespace

struct BatchLoader::State {
  State(const ImageDataset& dataset_in, const LoaderOptions& options, DType images)
      : dataset(dataset_in),
        image_dtype(images),
        picks(dataset.num_images, options),
        transform(image_transform(options, dataset)),
        tables((kernels::image_tables_bytes(transform) + sizeof(double) - 1) / sizeof(double)) {
    kernels::make_image_tables(transform, tables.data());
  }

  const ImageDataset& dataset;
  DType image_dtype;
  BatchPicks picks;  // the worker's, but for the constant numbers of batches
  kernels::ImageTransform transform;
  std::vector<double> tables;
  ThreadPool alone{1};

  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  std::uint64_t generation = 0;
  std::int64_t epoch = 0;
  std::int64_t next_to_prepare = 0;  // batch index; == batches_per_epoch when done
  std::int64_t next_to_deliver = 0;
  std::deque<std::unique_ptr<Batch>> ready;
  std::vector<std::unique_ptr<Batch>> spare;
  std::unique_ptr<Batch> delivered;
  double waited = 0.0;
  std::thread worker;

  std::int64_t batches() const { return picks.batches_per_epoch(); }

  bool has_work() const { return next_to_prepare < batches() && ready.size() < kBatchesAhead; }

  std::unique_ptr<Batch> take_spare() {
    if (spare.empty()) {
      return std::make_unique<Batch>();
    }
    std::unique_ptr<Batch> batch = std::move(spare.back());
    spare.pop_back();
    return batch;
  }

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
    const Shape images{batch.size, transform.resized_height, transform.resized_width,
                       transform.channels};
    batch.labels.resize(chosen.size());
    const Shape set{dataset.num_images, dataset.height, dataset.width, dataset.channels};
    kernels::image_batch(Stream::cpu(alone), transform, tables.data(),
                         {{dataset.pixels.data(), set, DType::u8},
                          {dataset.labels.data(), {dataset.num_images, 1, 1, 1}, DType::i32}},
                         chosen.data(), image_room(batch, images),
                         TensorView(batch.labels.data(), {batch.size, 1, 1, 1}, DType::i32));
  }

  void work() {
    std::uint64_t picks_generation = 0;
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stop || has_work(); });
      if (stop) {
        return;
      }
      const std::uint64_t mine = generation;
      const std::int64_t index = next_to_prepare++;
      const std::int64_t wanted_epoch = epoch;
      std::unique_ptr<Batch> batch = take_spare();
      lock.unlock();
      if (picks_generation != mine) {
        picks.start_epoch(wanted_epoch);
        picks_generation = mine;
      }
      fill(*batch, index);
      lock.lock();
      if (generation == mine) {
        ready.push_back(std::move(batch));
      } else {
        spare.push_back(std::move(batch));
      }
      changed.notify_all();
    }
  }
};

const void* Batch::image_data() const {
  return bf16_images.empty() ? static_cast<const void*>(images.data()) : bf16_images.data();
}

BatchLoader::BatchLoader(const ImageDataset& dataset, const LoaderOptions& options, DType images)
    : state_(std::make_unique<State>(dataset, options, images)) {
  state_->next_to_prepare = state_->next_to_deliver = state_->batches();
  state_->worker = std::thread([state = state_.get()] { state->work(); });
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
    while (!state_->ready.empty()) {
      state_->spare.push_back(std::move(state_->ready.front()));
      state_->ready.pop_front();
    }
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
  state.changed.wait(lock, [&] { return !state.ready.empty(); });
  state.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  state.delivered = std::move(state.ready.front());
  state.ready.pop_front();
  ++state.next_to_deliver;
  state.changed.notify_all();
  return state.delivered.get();
}

double BatchLoader::wait_seconds() const {
  return state_->waited;
}

}  // namespace accrete::data
