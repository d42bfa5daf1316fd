// SPDX-License-Identifier: Apache-2.0
// How reductions over the pixels of a tensor are cut: into chunks of rows that blocks reduce on
// their own, and groups of chunks. The last block of a group combines the group, in order, the last
// of those the groups (chunk_combine.cuh). A function of shape and dtype alone, so that results are
// too. Convolutions have chunks of their own: a tile of pixels is one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "accrete/kernels/shape.h"

namespace accrete::kernels::cuda {

struct RowChunks {
  std::int64_t rows_per_chunk;
  std::int64_t count;
};

/// Of row_chunks: enough blocks for every GPU, and partial results that are small beside the
/// tensor.
constexpr std::int64_t kMostChunks = 512;

/// At most `most` chunks of 64 rows or a multiple of that: blocks read 32 at a time (kColumnRows).
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

/// Chunks that one block combines: about the square root of the largest number of chunks, so that
/// the last block has as few groups left.
constexpr std::int64_t kGroupChunks = 64;

/// What the blocks that reduce chunks leave in the workspace for the last of them: two f32 per
/// channel and chunk, two f64 per channel and group of chunks, and the counters by which the last
/// block knows itself, unless the stream has enough of these.
struct ChunkPartials {
  std::int64_t chunks, channels;

  std::int64_t groups() const { return (chunks + kGroupChunks - 1) / kGroupChunks; }
  /// One per group and one for the groups, for each of the narrowest blocks.
  std::int64_t tickets() const {
    constexpr std::int64_t kLeastChannels = 32;
    return (channels + kLeastChannels - 1) / kLeastChannels * (groups() + 1);
  }

  std::size_t group_bytes() const { return values(groups()) * sizeof(double); }
  std::size_t chunk_bytes() const { return values(chunks) * sizeof(float); }
  std::size_t bytes() const {
    return group_bytes() + chunk_bytes() +
           static_cast<std::size_t>(tickets()) * sizeof(std::uint32_t);
  }

 private:
  std::size_t values(std::int64_t rows) const {
    return 2 * static_cast<std::size_t>(rows * channels);
  }
};

/// Two sums per channel over the pixels of x.
inline std::size_t column_sums_bytes(const Shape& x) {
  return ChunkPartials{row_chunks(x.pixels()).count, x.c}.bytes();
}
/// Enough for x and for every tensor with fewer rows: row_chunks makes at most so many chunks.
inline std::size_t norm_sums_bytes(const Shape& x) {
  return ChunkPartials{std::min((x.pixels() + 63) / 64, kMostChunks), x.c}.bytes();
}

}  // namespace accrete::kernels::cuda
