// SPDX-License-Identifier: Apache-2.0
#include "block_order.h"

#include <algorithm>

namespace simt::race {

void BlockOrder::begin_block(std::size_t threads) {
  threads_.assign(threads, Thread{});
  learned_.clear();
}

void BlockOrder::fence(const FencePoint& at) {
  Thread& thread = threads_[at.thread];
  for (const FencePoint& from : thread.heard) {
    learned_.push_back({from, at});
  }
  thread.heard.clear();
  thread.released = {at};
  for (const Learned& earlier : learned_) {
    if (earlier.at.thread == at.thread || earlier.at.epoch < at.epoch) {
      thread.released.push_back(earlier.from);
    }
  }
}

void BlockOrder::atomic(std::uint16_t thread, std::uintptr_t word) {
  std::vector<FencePoint>& told = told_[word];
  Thread& mine = threads_[thread];
  mine.heard.insert(mine.heard.end(), told.begin(), told.end());
  told.insert(told.end(), mine.released.begin(), mine.released.end());
}

bool BlockOrder::ordered(const Access& earlier, const Access& now) const {
  return std::any_of(learned_.begin(), learned_.end(), [&](const Learned& learned) {
    const bool behind = now.epoch > learned.at.epoch || now.thread == learned.at.thread;
    return behind && learned.from.covers(earlier);
  });
}

}  // namespace simt::race
