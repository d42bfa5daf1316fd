// SPDX-License-Identifier: Apache-2.0
// OpenBLAS beside this project's kernels on the CPU, where the build has it.
#pragma once

#include <memory>

#include "conv_yardstick.h"

namespace accrete::bench {

/// Null without OpenBLAS. `threads`: how many it may use.
std::unique_ptr<ConvYardstick> make_openblas(int threads);

}  // namespace accrete::bench
