// SPDX-License-Identifier: Apache-2.0
// What all implicit-GEMM kernels have in common in how they go along k.
#pragma once

namespace accrete::kernels::cuda {

constexpr int kTileThreads = 256;

/// Tiles in shared memory at a time: one is multiplied while the others are on their way.
constexpr int kStages = 3;
/// Bytes of a row of an operand per step.
constexpr int kStepBytes = 64;

}  // namespace accrete::kernels::cuda
