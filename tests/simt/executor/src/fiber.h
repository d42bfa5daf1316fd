// SPDX-License-Identifier: Apache-2.0
// A stack that can be entered and left: what a CUDA thread runs on.
#pragma once

#include <cstddef>

namespace simt {

class Fiber {
 public:
  /// The fiber of an OS thread itself, from which others are entered.
  Fiber() = default;
  /// A fiber that runs `entry(argument)`, which must never return. `color` staggers the stacks, so
  /// that equal frames of many fibers do not fall into the same cache sets.
  Fiber(void (*entry)(void*), void* argument, std::size_t color);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves this fiber, which must be the running one, for `next`.
  void switch_to(Fiber& next);
  /// Forgets what the fiber was doing: the next switch to it starts at `entry` again.
  void reset();

  const void* stack_bottom() const { return stack_bottom_; }
  std::size_t stack_bytes() const { return stack_bytes_; }

 private:
  static void start();
  void finish_switch();

  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  std::size_t color_ = 0;
  void* mapping_ = nullptr;
  void* stack_pointer_ = nullptr;
  const void* stack_bottom_ = nullptr;
  std::size_t stack_bytes_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  Fiber* came_from_ = nullptr;
};

}  // namespace simt
