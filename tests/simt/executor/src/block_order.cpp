// SPDX-License-Identifier: Apache-2.0
#include "block_order.h"

#include <algorithm>

namespace simt::race {

void BlockOrder::begin_block(std::size_t threads) {
  threads_.assign(threads, Thread{});
  learned_.clear();
}

void BlockOrder::acquire(const SyncPoint& at) {
  Thread& thread = threads_[at.thread];
  for (const SyncPoint& from : thread.heard) {
    learned_.push_back({from, at});
  }
  thread.heard.clear();
}

void BlockOrder::release(const SyncPoint& at) {
  threads_[at.thread].released = known_at(at);
}

std::vector<SyncPoint> BlockOrder::known_at(const SyncPoint& at) const {
  std::vector<SyncPoint> known = {at};
  for (const Learned& earlier : learned_) {
    if (earlier.at.thread == at.thread || earlier.at.epoch < at.epoch) {
      known.push_back(earlier.from);
    }
  }
  return known;
}

void BlockOrder::atomic(std::uint16_t thread, std::uintptr_t word) {
  Thread& mine = threads_[thread];
  exchange(mine, word, mine.released);
}

void BlockOrder::release_atomic(const SyncPoint& at, std::uintptr_t word) {
  exchange(threads_[at.thread], word, known_at(at));
}

void BlockOrder::exchange(Thread& thread, std::uintptr_t word,
                          const std::vector<SyncPoint>& tells) {
  std::vector<SyncPoint>& told = told_[word];
  thread.heard.insert(thread.heard.end(), told.begin(), told.end());
  told.insert(told.end(), tells.begin(), tells.end());
}

bool BlockOrder::ordered(const Access& earlier, const Access& now) const {
  return std::any_of(learned_.begin(), learned_.end(), [&](const Learned& learned) {
    const bool behind = now.epoch > learned.at.epoch || now.thread == learned.at.thread;
    return behind && learned.from.covers(earlier);
  });
}

}  // namespace simt::race
