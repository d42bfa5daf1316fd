// SPDX-License-Identifier: Apache-2.0
// Fetching of what will be packed and stored next while tiles compute: the tiles ask for one cache
// line per step of their loops, so that the misses hide behind arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "conv/gemm/im2col.h"

namespace accrete::kernels::cpu {

/// Addresses of cache lines to ask for. The last one is asked for again and again once the others
/// are through, which costs nothing and saves the tiles a branch.
class PrefetchQueue {
 public:
  using Line = const char*;

  bool full() const { return end_ == lines_ + kCapacity; }
  bool drained() const { return next_ + 1 >= end_; }
  void clear() { next_ = end_ = lines_; }
  void push(Line line) { *end_++ = line; }

  /// For the tiles: the next address, and the last.
  const Line* next() const { return next_; }
  const Line* last() const { return end_ > lines_ ? end_ - 1 : lines_; }
  void consumed_up_to(const Line* line) { next_ = line; }

 private:
  static constexpr std::int64_t kCapacity = 256;
  Line lines_[kCapacity] = {};
  const Line* next_ = lines_;
  Line* end_ = lines_;
};

/// Walks the source of rows of a matrix and queues what each row reads for the first time: the
/// last taps of its window, as many as one step of the stride uncovers.
class RowPrefetcher {
 public:
  explicit RowPrefetcher(const Im2col& matrix)
      : matrix_(&matrix),
        first_r_(std::max<std::int64_t>(0, matrix.filter_h - matrix.stride_h)),
        first_s_(std::max<std::int64_t>(0, matrix.filter_w - matrix.stride_w)),
        contiguous_(matrix.plain() && matrix.pitch == matrix.channels),
        windows_(!contiguous_ && matrix.channels >= kMinChannels),
        cursor_(matrix, 0) {}

  /// Rows [row, last) are to be fetched from now on; what is left of earlier ones is dropped.
  void start(std::int64_t row, std::int64_t last) {
    rows_left_ = windows_ ? last - row : 0;
    if (rows_left_ > 0) {
      cursor_ = WindowCursor(*matrix_, row);
    } else if (contiguous_) {
      line_ = matrix_->bytes() + row * pixel_bytes();
      line_end_ = matrix_->bytes() + last * pixel_bytes();
    }
  }

  void refill(PrefetchQueue& queue) {
    for (; line_ < line_end_ && !queue.full(); line_ += kLineBytes) {
      queue.push(line_);
    }
    for (; rows_left_ > 0 && !queue.full(); --rows_left_, cursor_.advance()) {
      push_window(cursor_.window(), queue);
    }
  }

 private:
  static constexpr std::uintptr_t kLineBytes = 64;
  // Below this, finding the lines costs more than missing them.
  static constexpr std::int64_t kMinChannels = 8;

  void push_window(const Window& window, PrefetchQueue& queue) {
    for (std::int64_t r = first_r_; r < matrix_->filter_h; ++r) {
      for (std::int64_t s = first_s_; s < matrix_->filter_w; ++s) {
        const std::int64_t h = window.h + r;
        const std::int64_t w = window.w + s;
        if (h >= 0 && h < matrix_->height && w >= 0 && w < matrix_->width) {
          push_pixel(window.image + (h * matrix_->width + w) * pixel_bytes(), queue);
        }
      }
    }
  }

  void push_pixel(const char* pixel, PrefetchQueue& queue) {
    const char* line = align(pixel);
    const char* const last = align(pixel + matrix_->channels * matrix_->element_bytes - 1);
    if (line == newest_) {
      line += kLineBytes;
    }
    for (; line <= last && !queue.full(); line += kLineBytes) {
      queue.push(line);
      newest_ = line;
    }
  }

  static const char* align(const char* address) {
    return address - reinterpret_cast<std::uintptr_t>(address) % kLineBytes;
  }
  std::int64_t pixel_bytes() const { return matrix_->pitch * matrix_->element_bytes; }

  const Im2col* matrix_;
  std::int64_t first_r_, first_s_;
  bool contiguous_;  // the rows lie behind each other in memory
  bool windows_;
  WindowCursor cursor_;
  std::int64_t rows_left_ = 0;
  const char* line_ = nullptr;
  const char* line_end_ = nullptr;
  const char* newest_ = nullptr;
};

/// The matrices whose rows a task reads or writes: the one it packs first, then what its transform
/// and its epilogue touch beside it.
class TouchedRows {
 public:
  static constexpr std::int64_t kMost = 4;

  void add(const Im2col& matrix) { matrices_[count_++] = matrix; }

  std::int64_t count() const { return count_; }
  const Im2col& operator[](std::int64_t i) const { return matrices_[i]; }

 private:
  Im2col matrices_[kMost];
  std::int64_t count_ = 0;
};

/// Fetches the rows of all of them, one matrix after the other.
class TilePrefetcher {
 public:
  /// `touched` must outlive this object.
  explicit TilePrefetcher(const TouchedRows& touched) : count_(touched.count()) {
    for (std::int64_t i = 0; i < count_; ++i) {
      walkers_[i].emplace(touched[i]);
    }
  }

  /// Rows [row, last) are to be fetched from now on.
  void start(std::int64_t row, std::int64_t last) {
    for (std::int64_t i = 0; i < count_; ++i) {
      walkers_[i]->start(row, last);
    }
  }
  /// To be asked before each tile.
  PrefetchQueue& queue() {
    if (queue_.drained()) {
      queue_.clear();
      for (std::int64_t i = 0; i < count_; ++i) {
        walkers_[i]->refill(queue_);
      }
    }
    return queue_;
  }

 private:
  std::optional<RowPrefetcher> walkers_[TouchedRows::kMost];
  std::int64_t count_;
  PrefetchQueue queue_;
};

}  // namespace accrete::kernels::cpu
