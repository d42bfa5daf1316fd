// SPDX-License-Identifier: Apache-2.0
// The CPU backend: its kernels, and what they have to know of the machine.
#include "call/backend.h"
#include "cpu/element.h"

namespace accrete::kernels {

const Backend& cpu_backend() {
  using cpu::run;
  static constexpr Backend table{ACCRETE_CALLS(ACCRETE_KERNEL_ADDRESS){}};
  return table;
}

namespace cpu {
namespace {

bool has_bf16_instructions() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // may run before the compiler's own initialisation
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

const bool kHasBf16Instructions = has_bf16_instructions();

}  // namespace cpu
}  // namespace accrete::kernels
