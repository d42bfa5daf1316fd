// SPDX-License-Identifier: Apache-2.0
#include "race_shadow.h"

namespace simt::race {

void Cell::record(const Access& access) {
  if (access.writes()) {
    write = access;
  }
  if (access.kind == Kind::write || access.kind == Kind::copy) {
    return;
  }
  Access& last = reads[0];
  if (last.generation == access.generation && !last.same_thread(access)) {
    reads[last.same_warp(access) ? 1 : 2] = last;
  }
  last = access;
}

Cell* Shadow::Page::split_word(std::size_t word) {
  if (bytes == nullptr) {
    bytes = std::make_unique<std::array<Cell, kPageBytes>>();
  }
  Cell* cells = bytes->data() + word * 4;
  if (!split[word]) {
    split[word] = true;
    for (std::size_t byte = 0; byte < 4; ++byte) {
      cells[byte] = words[word];
    }
  }
  return cells;
}

Shadow::Page& Shadow::page_of(std::uintptr_t address) {
  const std::uintptr_t number = address / kPageBytes;
  Recent& recent = recent_[number % recent_.size()];
  if (recent.page == nullptr || recent.number != number) {
    std::unique_ptr<Page>& page = pages_[number];
    if (page == nullptr) {
      page = std::make_unique<Page>();
    }
    recent = {number, page.get()};
  }
  return *recent.page;
}

}  // namespace simt::race
