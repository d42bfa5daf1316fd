// SPDX-License-Identifier: Apache-2.0
// How reductions over the pixels of a tensor are cut: into chunks that blocks reduce on their own,
// and the last of them combines in order. A function of the shape alone, so that results are too.
#pragma once

#include <algorithm>
#include <cstdint>

namespace accrete::kernels::cuda {

struct RowChunks {
  std::int64_t rows_per_chunk;
  std::int64_t count;
};

/// Enough blocks for every GPU, and partial results that are small beside the tensor.
constexpr std::int64_t kMostChunks = 512;

/// At most `most` chunks of 64 rows or a multiple of that: blocks read 8 or 32 at a time.
inline RowChunks row_chunks(std::int64_t rows, std::int64_t most = kMostChunks) {
  constexpr std::int64_t kStep = 64;
  const std::int64_t steps = (rows + kStep - 1) / kStep;
  const std::int64_t per_chunk = (steps + most - 1) / most * kStep;
  return {per_chunk, (rows + per_chunk - 1) / per_chunk};
}

/// The same where every chunk takes so many blocks side by side: with more than enough blocks in
/// all, longer chunks spare what a block costs.
inline RowChunks column_chunks(std::int64_t rows, std::int64_t blocks,
                               std::int64_t most = kMostChunks) {
  constexpr std::int64_t kEnoughBlocks = 1024;
  return row_chunks(rows, std::clamp(kEnoughBlocks / blocks, std::int64_t{1}, most));
}

}  // namespace accrete::kernels::cuda
