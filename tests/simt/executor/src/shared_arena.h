// SPDX-License-Identifier: Apache-2.0
// The shared memory of the running block: arrays with red zones between them, NaN at the start.
#pragma once

#include <cstddef>
#include <vector>

namespace simt {

class SharedArena {
 public:
  static constexpr std::size_t kCapacity = std::size_t{228} << 10U;  // of the largest GPU
  static constexpr std::size_t kRedZone = 256;

  SharedArena();
  ~SharedArena();
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;

  /// What the blocks of a launch have: a dynamic part, and `limit` for that and their arrays, as a
  /// GPU counts, without the red zones.
  void begin_launch(std::size_t dynamic_bytes, std::size_t limit);
  /// Forgets all arrays, fills with 0xFF (NaN in f32 and bf16) and sets up the dynamic part.
  void begin_block();
  /// The array declared at `key`; made by the first thread that asks. Null when it does not fit.
  void* array(const void* key, std::size_t bytes, std::size_t alignment);
  unsigned char* dynamic() const { return dynamic_; }
  std::size_t limit() const { return limit_; }
  /// The most that the arrays of one block of the launch have taken so far.
  std::size_t most_static_bytes() const { return most_static_bytes_; }
  /// All that a block may use, red zones included.
  const void* memory() const { return memory_; }
  static constexpr std::size_t kMemoryBytes = 2 * kCapacity;

 private:
  void* take(std::size_t bytes, std::size_t alignment);

  struct Array {
    const void* key;
    void* data;
  };
  unsigned char* memory_;
  std::size_t used_ = 0;
  std::size_t static_bytes_ = 0;  // of the block's arrays
  std::size_t most_static_bytes_ = 0;
  std::size_t dynamic_bytes_ = 0;
  std::size_t limit_ = 0;
  unsigned char* dynamic_ = nullptr;
  std::vector<Array> arrays_;
};

}  // namespace simt
