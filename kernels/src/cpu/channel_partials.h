// SPDX-License-Identifier: Apache-2.0
// Two partial results per channel and block of rows, written by the tasks of a kernel and combined
// in block order, in double, when all are done.
#pragma once

#include <cstdint>

#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/thread_pool.h"
#include "cpu/row_tiles.h"

namespace accrete::kernels::cpu {

struct ChannelPartials {
  float* data = nullptr;
  std::int64_t width = 0;  ///< channels, padded to whole vectors

  ChannelPartials() = default;
  ChannelPartials(float* data_in, std::int64_t channels)
      : data(data_in), width(padded_channels(channels)) {}

  static std::int64_t floats(std::int64_t blocks, std::int64_t channels) {
    return blocks * 2 * padded_channels(channels);
  }
  float* first(std::int64_t block) const { return data + block * 2 * width; }
  float* second(std::int64_t block) const { return first(block) + width; }
};

/// The outputs of a NormReluGradient but g, from blocks of sum(dz) and sum(dz * (x - mean)).
/// Nothing without a norm.
void finish_gradient_sums(ThreadPool& pool, const ChannelPartials& partials, std::int64_t blocks,
                          const NormRelu& norm, const NormReluGradient& out);

}  // namespace accrete::kernels::cpu
