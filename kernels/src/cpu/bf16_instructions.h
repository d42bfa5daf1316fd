// SPDX-License-Identifier: Apache-2.0
// Whether this machine has AVX-512 BF16. The instruction sets that are compiled do not include it:
// code asks before it uses one of its instructions.
#pragma once

namespace accrete::kernels::cpu {

extern const bool kHasBf16Instructions;

}  // namespace accrete::kernels::cpu
