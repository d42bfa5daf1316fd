// SPDX-License-Identifier: Apache-2.0
// The last step of taking statistics: from the moments of chunks to mean, variance and inv_std.
#pragma once

#include "cuda/moments.cuh"
#include "cuda/norm_vectors.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Chunks of `rows_per_chunk` of the `rows` rows, the last one of what is left.
void launch_combine_statistics(const Stream& stream, const char* op, const ChunkMoments& chunk,
                               std::int64_t chunks, std::int64_t rows, std::int64_t rows_per_chunk,
                               const StatisticsOutput& out);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
