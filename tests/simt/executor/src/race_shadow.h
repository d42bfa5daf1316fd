// SPDX-License-Identifier: Apache-2.0
// Shadow memory of the race detector: for every word that kernels touch, who accessed it last. A
// word whose bytes are accessed apart (bf16, u8) is kept byte by byte from then on.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace simt::race {

enum class Kind : std::uint8_t {
  read,
  write,
  atomic,
  copy,  ///< a cp.async under way: a write that may happen at any time until the wait
};

struct Access {
  const void* code = nullptr;    ///< return address into the kernel
  std::uint32_t generation = 0;  ///< of the launch, or of the block for shared memory; 0: none
  std::uint32_t block = 0;       ///< number within the grid
  std::uint32_t epoch = 0;       ///< barriers of the block before the access
  std::uint32_t clock = 0;       ///< __syncwarp calls of the thread before the access
  std::uint16_t thread = 0;      ///< number within the block
  Kind kind = Kind::read;

  bool writes() const { return kind != Kind::read; }
  bool same_thread(const Access& other) const {
    return block == other.block && thread == other.thread;
  }
  bool same_warp(const Access& other) const {
    return block == other.block && thread / 32 == other.thread / 32;
  }
};

/// The accesses of one word or byte that a later one is compared with. Earlier ones are ordered
/// before these, or race with them and have been reported.
struct Cell {
  Access write;
  // The last read (or atomic), the last by another lane of its warp, the last by another warp: any
  // later writer is outside the warp of one of them or may be compared with lanes of its own.
  std::array<Access, 3> reads;

  void record(const Access& access);
};

class Shadow {
 public:
  /// visit(cell) for all cells of the bytes at `address`.
  template <class Visit>
  void for_each_cell(std::uintptr_t address, std::size_t bytes, const Visit& visit) {
    const std::uintptr_t end = address + bytes;
    while (address < end) {
      Page& page = page_of(address);
      const std::size_t word = address % kPageBytes / 4;
      const std::size_t first = address % 4;
      const std::size_t last = end - address >= 4 - first ? 4 : first + (end - address);
      if (first == 0 && last == 4 && !page.split[word]) {
        visit(page.words[word]);
      } else {
        Cell* cells = page.split_word(word);
        for (std::size_t byte = first; byte < last; ++byte) {
          visit(cells[byte]);
        }
      }
      address += last - first;
    }
  }

 private:
  static constexpr std::size_t kPageBytes = 4096;

  struct Page {
    std::array<Cell, kPageBytes / 4> words;
    std::bitset<kPageBytes / 4> split;
    std::unique_ptr<std::array<Cell, kPageBytes>> bytes;

    Cell* split_word(std::size_t word);
  };
  struct Recent {
    std::uintptr_t number = 0;
    Page* page = nullptr;
  };

  Page& page_of(std::uintptr_t address);

  std::unordered_map<std::uintptr_t, std::unique_ptr<Page>> pages_;
  std::array<Recent, 256> recent_;
};

}  // namespace simt::race
