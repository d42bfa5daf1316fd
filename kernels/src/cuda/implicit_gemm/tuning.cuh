// SPDX-License-Identifier: Apache-2.0
// The constants of the implicit-GEMM kernels that only a measurement can choose. Their defaults are
// what the kernels use; a build may set others by -DACCRETE_GEMM_TUNING="NAME=VALUE;...", and
// apps/gpu_check/variants.json names the sets that are worth measuring.
//
// What stays as it is: tiles are 128 pixels high, since workspaces for sums over 128 pixels are
// planned without a GPU (kFusedTileRows), and have 8 warps, since those sums are combined by 256
// threads and tiles of the weight gradient, which share launches with them, have as many.
#pragma once

#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

constexpr int kTileThreads = 256;

/// Tiles in shared memory at a time: one is multiplied while the others are on their way. More hide
/// more of the memory's latency, and leave room for fewer blocks.
#ifndef ACCRETE_GEMM_STAGES
#define ACCRETE_GEMM_STAGES 3
#endif
constexpr int kStages = ACCRETE_GEMM_STAGES;
static_assert(kStages >= 2, "one stage is filled while another is multiplied");

/// Bytes of a row of an operand per step. Deeper steps have fewer barriers and larger stages.
#ifndef ACCRETE_GEMM_STEP_BYTES
#define ACCRETE_GEMM_STEP_BYTES 64
#endif
constexpr int kStepBytes = ACCRETE_GEMM_STEP_BYTES;

/// Results of a warp of the narrow tile, 128x32. Taller ones read less of shared memory per
/// multiplication, lower ones make more warps, which hide latency.
#ifndef ACCRETE_GEMM_NARROW_WM
#define ACCRETE_GEMM_NARROW_WM 32
#endif
#ifndef ACCRETE_GEMM_NARROW_WN
#define ACCRETE_GEMM_NARROW_WN 16
#endif

/// Of the medium tile, 128x64.
#ifndef ACCRETE_GEMM_MEDIUM_WM
#define ACCRETE_GEMM_MEDIUM_WM 32
#endif
#ifndef ACCRETE_GEMM_MEDIUM_WN
#define ACCRETE_GEMM_MEDIUM_WN 32
#endif

/// Columns of the wide tile: 128, or 64 for more blocks of fewer registers.
#ifndef ACCRETE_GEMM_WIDE_COLUMNS
#define ACCRETE_GEMM_WIDE_COLUMNS 128
#endif
#ifndef ACCRETE_GEMM_WIDE_WM
#define ACCRETE_GEMM_WIDE_WM 64
#endif
#ifndef ACCRETE_GEMM_WIDE_WN
#define ACCRETE_GEMM_WIDE_WN 32
#endif

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
