// SPDX-License-Identifier: Apache-2.0
// What the blocks that reduce chunks of rows leave in the workspace for the last of them: two
// numbers per channel and chunk, two per channel and group of chunks, and the counters by which the
// last block knows itself. A function of the problem alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete::kernels::cuda {

/// Chunks that one block combines: about the square root of the largest number of chunks, so that
/// the last block has as few groups left.
constexpr std::int64_t kGroupChunks = 64;

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

}  // namespace accrete::kernels::cuda
