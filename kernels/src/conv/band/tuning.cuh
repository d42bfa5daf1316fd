// SPDX-License-Identifier: Apache-2.0
// The constants of the band kernels that only a measurement can choose. Their defaults are what the
// kernels use; a build may set others by -DACCRETE_GEMM_TUNING="NAME=VALUE;...", and
// apps/gpu_check/variants.json names the sets that are worth measuring.
//
// Instructions and bytes of shared memory per tensor-core operation pull in opposite directions,
// and so do stages, which hide latency, and blocks on a multiprocessor, which do as well.
#pragma once

#include "conv/band/copies.cuh"
#include "conv/implicit_gemm/tile.cuh"

namespace accrete::kernels::cuda {

/// Forward 1x1, more than 64 filters: a tile of 128x128, results of a warp, and stages in shared
/// memory. ldmatrix reads 128 bytes per operation for 64x64, 160 for 32x128 with fewer
/// instructions.
#ifndef ACCRETE_BAND_FORWARD1_WM
#define ACCRETE_BAND_FORWARD1_WM 64
#endif
#ifndef ACCRETE_BAND_FORWARD1_WN
#define ACCRETE_BAND_FORWARD1_WN 64
#endif
#ifndef ACCRETE_BAND_FORWARD1_STAGES
#define ACCRETE_BAND_FORWARD1_STAGES 4
#endif
using Forward1Tile = Tile<128, 128, ACCRETE_BAND_FORWARD1_WM, ACCRETE_BAND_FORWARD1_WN, kSlice>;
constexpr int kForward1Stages = ACCRETE_BAND_FORWARD1_STAGES;

/// Forward 3x3, up to 32 filters: pixels of a tile, a fourth of which are a warp's. 128 load 1.9
/// times as many slots for a 56 wide image, 256 pixels 1.5 times.
#ifndef ACCRETE_BAND_FORWARD3_BM
#define ACCRETE_BAND_FORWARD3_BM 256
#endif
using Forward3Tile = Tile<ACCRETE_BAND_FORWARD3_BM, 32, ACCRETE_BAND_FORWARD3_BM / 4, 32, kSlice>;

/// Gradient of the data, 1x1: channels of a chunk, filters of a step in slices, stages.
#ifndef ACCRETE_BAND_DGRAD1_BN
#define ACCRETE_BAND_DGRAD1_BN 64
#endif
#ifndef ACCRETE_BAND_DGRAD1_SLICES
#define ACCRETE_BAND_DGRAD1_SLICES 4
#endif
#ifndef ACCRETE_BAND_DGRAD1_STAGES
#define ACCRETE_BAND_DGRAD1_STAGES 2
#endif
using Dgrad1Tile = Tile<128, ACCRETE_BAND_DGRAD1_BN, 32, ACCRETE_BAND_DGRAD1_BN, kSlice>;
constexpr int kDgrad1Slices = ACCRETE_BAND_DGRAD1_SLICES;
constexpr int kDgrad1Stages = ACCRETE_BAND_DGRAD1_STAGES;

/// Gradient of the data, 3x3: pixels of a tile, a fourth of which are a warp's, and stages.
#ifndef ACCRETE_BAND_DGRAD3_BM
#define ACCRETE_BAND_DGRAD3_BM 256
#endif
#ifndef ACCRETE_BAND_DGRAD3_STAGES
#define ACCRETE_BAND_DGRAD3_STAGES 3
#endif
using Dgrad3Tile = Tile<ACCRETE_BAND_DGRAD3_BM, 32, ACCRETE_BAND_DGRAD3_BM / 4, 32, kSlice>;
constexpr int kDgrad3Stages = ACCRETE_BAND_DGRAD3_STAGES;

}  // namespace accrete::kernels::cuda
