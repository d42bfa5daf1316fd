// SPDX-License-Identifier: Apache-2.0
#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "asan.h"

#if !defined(__x86_64__)
#error "the SIMT host executor switches stacks with x86-64 code; add the switch of this processor"
#endif

// void simt_switch_stack(void** save, void* load): saves the callee-saved registers of the System V
// ABI on the stack it leaves and takes up those of the other. The floating-point control words are
// not part of it: kernels do not change rounding modes.
asm(R"(
.text
.globl simt_switch_stack
.type simt_switch_stack, @function
simt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch_stack, .-simt_switch_stack
)");
extern "C" void simt_switch_stack(void** save, void* load);

namespace simt {
namespace {

constexpr std::size_t kPage = 4096;
#if defined(SIMT_ASAN)
constexpr std::size_t kStackBytes = std::size_t{256} << 10U;
#else
constexpr std::size_t kStackBytes = std::size_t{128} << 10U;
#endif

// The fiber that a switch is entering; the entered side reads it.
thread_local Fiber* entering = nullptr;

}  // namespace

Fiber::Fiber(void (*entry)(void*), void* argument, std::size_t color)
    : entry_(entry), argument_(argument), color_(color), stack_bytes_(kStackBytes) {
  mapping_ = mmap(nullptr, kStackBytes + kPage, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) {
    throw std::bad_alloc();
  }
  mprotect(mapping_, kPage, PROT_NONE);  // a kernel that overflows its stack faults
  stack_bottom_ = static_cast<char*>(mapping_) + kPage;
  reset();
}

Fiber::~Fiber() {
  if (mapping_ != nullptr) {
#if defined(SIMT_ASAN)
    ASAN_UNPOISON_MEMORY_REGION(stack_bottom_, stack_bytes_);
#endif
    munmap(mapping_, kStackBytes + kPage);
  }
}

void Fiber::reset() {
#if defined(SIMT_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(stack_bottom_, stack_bytes_);
  fake_stack_ = nullptr;
#endif
  const auto top = reinterpret_cast<std::uintptr_t>(stack_bottom_) + stack_bytes_;
  auto* stack = reinterpret_cast<void**>((top - (color_ % 31) * 192) & ~std::uintptr_t{63});
  // As if `start` had just been called: 16-byte aligned before the return address was pushed.
  *--stack = nullptr;
  *--stack = reinterpret_cast<void*>(&Fiber::start);
  stack -= 6;
  stack_pointer_ = stack;
}

void Fiber::switch_to(Fiber& next) {
  next.came_from_ = this;
  entering = &next;
#if defined(SIMT_ASAN)
  __sanitizer_start_switch_fiber(&fake_stack_, next.stack_bottom_, next.stack_bytes_);
#endif
  simt_switch_stack(&stack_pointer_, next.stack_pointer_);
  finish_switch();
}

void Fiber::finish_switch() {
#if defined(SIMT_ASAN)
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
  // The stack of the OS thread is known only from here.
  if (came_from_ != nullptr && came_from_->mapping_ == nullptr) {
    came_from_->stack_bottom_ = bottom;
    came_from_->stack_bytes_ = bytes;
  }
#endif
}

void Fiber::start() {
  Fiber& self = *entering;
  self.finish_switch();
  self.entry_(self.argument_);
  __builtin_unreachable();
}

}  // namespace simt
