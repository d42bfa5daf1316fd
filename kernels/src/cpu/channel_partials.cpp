// SPDX-License-Identifier: Apache-2.0
#include "cpu/channel_partials.h"

#include <algorithm>

#include "cpu/moments.h"

namespace accrete::kernels::cpu {
namespace {

struct GradientSums {
  double gradient[kMergedChannels] = {};  // of dz
  double product[kMergedChannels] = {};   // of dz * (x - mean)
};

GradientSums add_blocks(const ChannelPartials& partials, std::int64_t blocks, std::int64_t channel,
                        std::int64_t channels) {
  GradientSums sums;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const float* first = partials.first(block) + channel;
    const float* second = partials.second(block) + channel;
    for (std::int64_t c = 0; c < channels; ++c) {
      sums.gradient[c] += static_cast<double>(first[c]);
      sums.product[c] += static_cast<double>(second[c]);
    }
  }
  return sums;
}

void put(GradMode mode, double value, float& out) {
  out = static_cast<float>(mode == GradMode::accumulate ? static_cast<double>(out) + value : value);
}

}  // namespace

void finish_gradient_sums(ThreadPool& pool, const ChannelPartials& partials, std::int64_t blocks,
                          const NormRelu& norm, const NormReluGradient& out) {
  if (!norm) {
    return;
  }
  const std::int64_t all = out.grad_gamma.shape.c;
  const double weight = 1.0 / static_cast<double>(out.g.shape.pixels());
  pool.parallel_for(divide_up(all, kMergedChannels), [&](std::int64_t task) {
    const std::int64_t channel = task * kMergedChannels;
    const std::int64_t channels = std::min(kMergedChannels, all - channel);
    const GradientSums sums = add_blocks(partials, blocks, channel, channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t at = channel + c;
      const double product = sums.product[c] * static_cast<double>(norm.inv_std.f32()[at]);
      const double factor = static_cast<double>(norm.gamma.f32()[at]) * weight;
      out.grad_beta.f32()[at] = static_cast<float>(sums.gradient[c]);
      out.grad_gamma.f32()[at] = static_cast<float>(product);
      if (out.deferred()) {
        put(out.mode, factor * sums.gradient[c], out.a.f32()[at]);
        put(out.mode, factor * product, out.b.f32()[at]);
      }
    }
  });
}

}  // namespace accrete::kernels::cpu
