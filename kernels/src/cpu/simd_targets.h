// SPDX-License-Identifier: Apache-2.0
// The instruction sets the row kernels are compiled for: AVX-512, AVX2 and the baseline. Include
// it before anything from Highway.
#pragma once

#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSE4 | HWY_SSSE3 | HWY_AVX3_DL)
#endif
