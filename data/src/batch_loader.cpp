// SPDX-License-Identifier: Apache-2.0
// One worker fills a small ring of batches ahead of the consumer. A change of epoch bumps a
// generation number; the worker drops what it prepared for an older one.
#include "accrete/data/batch_loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>

#include "accrete/data/resize.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/random.h"

namespace accrete::data {
namespace {

constexpr std::size_t kBatchesAhead = 3;
constexpr std::uint64_t kShuffleStream = 0x5487ff1e;

std::vector<double> per_channel(const std::vector<double>& given, double fallback,
                                std::int64_t channels, const char* key) {
  if (given.empty()) {
    return std::vector<double>(static_cast<std::size_t>(channels), fallback);
  }
  if (static_cast<std::int64_t>(given.size()) != channels) {
    throw Error(ErrorCode::spec, std::string("/data/") + key + " has " +
                                     std::to_string(given.size()) + " entries, the images have " +
                                     std::to_string(channels) + " channels");
  }
  return given;
}

}  // namespace

std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed,
                                         std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const RandomKey key{seed, mix_stream(kShuffleStream, static_cast<std::uint64_t>(epoch))};
  for (std::int64_t i = count - 1; i > 0; --i) {
    const auto words = philox(key, static_cast<std::uint64_t>(i));
    const std::uint64_t random = (static_cast<std::uint64_t>(words[0]) << 32U) | words[1];
    // The bias of the remainder is below 2^-32 for any data set that fits in memory.
    const auto j = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(i + 1));
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
  }
  return order;
}

struct BatchLoader::State {
  State(const ImageDataset& dataset_in, const LoaderOptions& options_in)
      : dataset(dataset_in),
        options(options_in),
        out_height(options.image_size > 0 ? options.image_size : dataset.height),
        out_width(options.image_size > 0 ? options.image_size : dataset.width),
        transform(dataset.height, dataset.width, dataset.channels, out_height, out_width,
                  per_channel(options.mean, 0.0, dataset.channels, "mean"),
                  per_channel(options.std, 1.0, dataset.channels, "std")) {}

  const ImageDataset& dataset;
  LoaderOptions options;
  std::int64_t out_height, out_width;
  ImageTransform transform;

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

  std::int64_t batches() const {
    return (dataset.num_images + options.batch_size - 1) / options.batch_size;
  }

  bool has_work() const { return next_to_prepare < batches() && ready.size() < kBatchesAhead; }

  std::unique_ptr<Batch> take_spare() {
    if (spare.empty()) {
      return std::make_unique<Batch>();
    }
    std::unique_ptr<Batch> batch = std::move(spare.back());
    spare.pop_back();
    return batch;
  }

  void fill(Batch& batch, const std::vector<std::int64_t>& order, std::int64_t index) {
    const std::int64_t first = index * options.batch_size;
    batch.size = std::min(options.batch_size, dataset.num_images - first);
    const std::int64_t image_size = out_height * out_width * dataset.channels;
    batch.images.resize(static_cast<std::size_t>(batch.size * image_size));
    batch.labels.resize(static_cast<std::size_t>(batch.size));
    for (std::int64_t i = 0; i < batch.size; ++i) {
      const std::int64_t source = order[static_cast<std::size_t>(first + i)];
      transform.apply(dataset.image(source), batch.images.data() + i * image_size);
      batch.labels[static_cast<std::size_t>(i)] = dataset.labels[static_cast<std::size_t>(source)];
    }
  }

  std::vector<std::int64_t> order_of(std::int64_t wanted_epoch) const {
    if (options.shuffle) {
      return shuffled_order(dataset.num_images, options.seed, wanted_epoch);
    }
    std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.num_images));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    return order;
  }

  void work() {
    std::vector<std::int64_t> order;
    std::uint64_t order_generation = 0;
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
      if (order_generation != mine) {
        order = order_of(wanted_epoch);
        order_generation = mine;
      }
      fill(*batch, order, index);
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

BatchLoader::BatchLoader(const ImageDataset& dataset, const LoaderOptions& options) {
  if (dataset.num_images < 1) {
    throw Error(ErrorCode::data, "the data set has no images");
  }
  if (options.batch_size < 1) {
    throw Error(ErrorCode::invalid_argument, "[batch_loader] batch size must be at least 1");
  }
  state_ = std::make_unique<State>(dataset, options);
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
  return state_->batches();
}

std::int64_t BatchLoader::batch_size_of(std::int64_t index) const {
  const std::int64_t size = state_->options.batch_size;
  return std::min(size, state_->dataset.num_images - index * size);
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
