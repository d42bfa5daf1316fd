// SPDX-License-Identifier: Apache-2.0
// cp.async: copies that are under way until a wait completes them (PTX ISA, "cp.async").
#include <cstring>
#include <string>

#include "block.h"
#include "race_hooks.h"
#include "simt/instructions.h"

namespace simt {
namespace {

void complete(const PendingCopy& copy) {
  if (copy.valid) {
    std::memcpy(copy.shared, copy.global, copy.bytes);
  } else {
    std::memset(copy.shared, 0, copy.bytes);
  }
}

void require_aligned(const char* what, const void* address, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes != 0) {
    running_block().fault("cp.async of " + std::to_string(bytes) + " bytes " + what +
                          " an address that is not a multiple of that");
  }
}

}  // namespace

void async_copy(void* shared, const void* global, std::size_t bytes, bool valid) {
  const race::ExecutorCode unwatched;
  require_aligned("to", shared, bytes);
  require_aligned("from", global, bytes);
  Thread& thread = running_block().current();
  const PendingCopy copy{shared,
                         global,
                         static_cast<std::uint32_t>(bytes),
                         valid,
                         thread.open_group,
                         __builtin_return_address(0)};
  race::copy_issued(copy);
  if (schedule().async == AsyncCopies::early) {
    complete(copy);
    race::copy_completed(copy);
    return;
  }
  std::memset(shared, 0xFF, bytes);  // whoever reads too soon gets NaN
  thread.copies.push_back(copy);
}

void async_commit() {
  ++running_block().current().open_group;
}

void async_wait(int pending) {
  const race::ExecutorCode unwatched;
  Thread& thread = running_block().current();
  const int newest_complete = thread.open_group - 1 - pending;
  std::size_t done = 0;
  while (done < thread.copies.size() && thread.copies[done].group <= newest_complete) {
    const PendingCopy& copy = thread.copies[done++];
    complete(copy);
    race::copy_completed(copy);
  }
  thread.copies.erase(thread.copies.begin(),
                      thread.copies.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace simt
