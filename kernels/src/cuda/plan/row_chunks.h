// SPDX-License-Identifier: Apache-2.0
// How reductions over the pixels of a tensor are cut: into chunks that blocks reduce on their own
// and a second kernel combines in order. A function of the shape alone, so that results are too.
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

/// At most `most` chunks of at least 64 rows.
inline RowChunks row_chunks(std::int64_t rows, std::int64_t most = kMostChunks) {
  constexpr std::int64_t kLeastRows = 64;
  const std::int64_t per_chunk = std::max(kLeastRows, (rows + most - 1) / most);
  return {per_chunk, (rows + per_chunk - 1) / per_chunk};
}

}  // namespace accrete::kernels::cuda
