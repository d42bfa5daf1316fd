// SPDX-License-Identifier: Apache-2.0
#include "cpu/bf16_instructions.h"

namespace accrete::kernels::cpu {
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

}  // namespace accrete::kernels::cpu
