// SPDX-License-Identifier: Apache-2.0
// The blocks of a weight gradient: each has a tile of results and a range of the steps through the
// pixels. What they have summed is put together in two levels: the last block of a group of ranges
// adds up the group, the last of the groups' blocks all groups. Who is last is a matter of luck,
// what is added in which order is not.
#pragma once

#include "accrete/kernels/call.h"
#include "conv/band/pack_change.cuh"
#include "conv/plan/band_wgrad_plan.h"
#include "cuda/chunk_combine.cuh"
#include "cuda/divisor.h"

namespace accrete::kernels::cuda {

/// grad_weight [K, TAPS, C].
template <int TAPS>
struct WeightGradient {
  float* data;
  int filters, channels;
  bool accumulate;

  /// Of two neighbouring channels; nothing where they are none.
  __device__ __forceinline__ void put(int filter, int tap, int channel, float2 v) const {
    if (filter >= filters || channel >= channels) {
      return;
    }
    const std::int64_t row = static_cast<std::int64_t>(filter) * TAPS + tap;
    auto* at = reinterpret_cast<float2*>(data + (row * channels + channel));
    if (accumulate) {
      const float2 before = *at;
      v = make_float2(before.x + v.x, before.y + v.y);
    }
    *at = v;
  }
};

/// Where a block works.
struct WgradPlace {
  int first_filter, first_channel;
  int tile, range;
  int first_step, steps;
};

/// What the blocks share. A tile is stored as its threads hold it: [quad][thread] of four sums.
struct WgradBlocks {
  float4* partial;         // [tiles][ranges] tiles
  std::uint32_t* tickets;  // [tiles][groups + 1]
  Divisor tiles, channel_tiles, group;
  int ranges, groups;
  int shortest, longer;  ///< steps of a range; so many of the first ranges have one more
  int tile_filters, tile_channels;

  WgradBlocks(const BandWgradPlan& plan, void* workspace, std::uint32_t* own_tickets)
      : partial(static_cast<float4*>(workspace)),
        tickets(own_tickets),
        tiles(plan.tiles()),
        channel_tiles(plan.channel_tiles),
        group(plan.group),
        ranges(static_cast<int>(plan.ranges)),
        groups(static_cast<int>(plan.groups())),
        shortest(static_cast<int>(plan.steps / plan.ranges)),
        longer(static_cast<int>(plan.steps % plan.ranges)),
        tile_filters(static_cast<int>(plan.filters)),
        tile_channels(static_cast<int>(plan.channels)) {}

  std::uint32_t count() const { return tiles.value() * static_cast<std::uint32_t>(ranges); }

  /// Blocks of the same range stand side by side: they read the same pixels.
  __device__ __forceinline__ WgradPlace place(int block) const {
    const auto number = static_cast<std::uint32_t>(block);
    const std::uint32_t range = tiles.divide(number);
    const std::uint32_t tile = tiles.rest(number, range);
    const std::uint32_t filters = channel_tiles.divide(tile);
    const std::uint32_t channels = channel_tiles.rest(tile, filters);
    const int r = static_cast<int>(range);
    return {static_cast<int>(filters) * tile_filters,
            static_cast<int>(channels) * tile_channels,
            static_cast<int>(tile),
            r,
            r * shortest + (r < longer ? r : longer),
            shortest + (r < longer ? 1 : 0)};
  }
};

/// Partial tiles come first in the workspace. Tickets are the stream's from `first_ticket` on, or
/// where it has too few, those behind the partial tiles.
inline WgradBlocks wgrad_blocks(const Stream& stream, const char* op, const BandWgradPlan& plan,
                                const Workspace& workspace, std::int64_t first_ticket) {
  if (stream.tickets().count >= first_ticket + plan.tickets()) {
    return {plan, workspace.data, stream.tickets().counters + first_ticket};
  }
  auto* tickets = reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(workspace.data) +
                                                   plan.partial_bytes());
  launch_packs(stream, op, ZeroTickets{tickets}, 1, plan.tickets());
  return {plan, workspace.data, tickets};
}

/// put(quad, the sum of that quad over the parts), by every thread for its own quads. `parts` is at
/// the thread's first quad of the first part.
template <int QUADS, class Put>
__device__ __forceinline__ void add_parts(const float4* parts, std::int64_t distance, int count,
                                          const Put& put) {
  constexpr int kTogether = QUADS % 6 == 0 ? 6 : 4;  // loads under way: four times that
  static_assert(QUADS % kTogether == 0);
#pragma unroll 1
  for (int quad = 0; quad < QUADS; quad += kTogether) {
    const float4* part = parts + quad * kWgradThreads;
    float4 sums[kTogether];
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      sums[i] = part[i * kWgradThreads];
    }
#pragma unroll 4
    for (int k = 1; k < count; ++k) {
      part += distance;
#pragma unroll
      for (int i = 0; i < kTogether; ++i) {
        const float4 v = part[i * kWgradThreads];
        sums[i] = make_float4(sums[i].x + v.x, sums[i].y + v.y, sums[i].z + v.z, sums[i].w + v.w);
      }
    }
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      put(quad + i, sums[i]);
    }
  }
}

/// Called by all threads of every block with own(quad), what the thread has summed, and
/// put(quad, sums), which takes the results of all ranges.
template <int QUADS, class Own, class Put>
__device__ __forceinline__ void add_ranges(const WgradBlocks& blocks, const WgradPlace& at,
                                           const Own& own, const Put& put) {
  if (blocks.ranges == 1) {
#pragma unroll
    for (int quad = 0; quad < QUADS; ++quad) {
      put(quad, own(quad));
    }
    return;
  }
  constexpr int kTile = QUADS * kWgradThreads;
  float4* const parts =
      blocks.partial + (static_cast<std::int64_t>(at.tile) * blocks.ranges * kTile + threadIdx.x);
  float4* const mine = parts + static_cast<std::int64_t>(at.range) * kTile;
#pragma unroll
  for (int quad = 0; quad < QUADS; ++quad) {
    mine[quad * kWgradThreads] = own(quad);
  }
  std::uint32_t* const tickets = blocks.tickets + at.tile * (blocks.groups + 1);
  const int length = static_cast<int>(blocks.group.value());
  const int group = static_cast<int>(blocks.group.divide(static_cast<std::uint32_t>(at.range)));
  const int rest = blocks.ranges - group * length;
  // First the parts of a group, then those of the groups, which stand where their first parts did.
  float4* from = parts + static_cast<std::int64_t>(group * length) * kTile;
  int distance = kTile;
  int count = rest < length ? rest : length;
  std::uint32_t* ticket = tickets + group;
  bool whole = blocks.groups == 1;
#pragma unroll 1
  while (last_to_arrive(ticket, count)) {
    add_parts<QUADS>(from, distance, count, [&](int quad, const float4& sums) {
      if (whole) {
        put(quad, sums);
      } else {
        from[quad * kWgradThreads] = sums;
      }
    });
    if (whole) {
      return;
    }
    from = parts;
    distance = kTile * length;
    count = blocks.groups;
    ticket = tickets + blocks.groups;
    whole = true;
  }
}

/// The vectors of the channels from `first` on.
__device__ __forceinline__ NormReluPacks::Arguments from_channel(NormReluPacks::Arguments a,
                                                                 int first) {
  a.norm.mean += first;
  a.norm.inv_std += first;
  a.norm.gamma += first;
  a.norm.beta += first;
  return a;
}
__device__ __forceinline__ DeferredGradientPacks::Arguments from_channel(
    DeferredGradientPacks::Arguments a, int first) {
  if (a.due.mean != nullptr) {
    a.due.mean += first;
    a.due.inv_std += first;
    a.due.a += first;
    a.due.b += first;
  }
  return a;
}
__device__ __forceinline__ PlainPacks::Arguments from_channel(PlainPacks::Arguments a,
                                                              int /*first*/) {
  return a;
}

/// The second tensor of a change; where it has none, one that is not used.
__device__ __forceinline__ const PackSource& second(const DeferredGradientPacks::Arguments& a,
                                                    const PackSource& /*first*/) {
  return a.y;
}
__device__ __forceinline__ const PackSource& second(const PlainPacks::Arguments& /*a*/,
                                                    const PackSource& first) {
  return first;
}

/// What the table says of a pack's channels, if there is a table.
template <class Change>
__device__ __forceinline__ typename Change::Coefficients coefficients(const unsigned char* table,
                                                                      int padded, int channel) {
  if constexpr (Change::kActive) {
    return Change::coefficients(table, padded, channel);
  } else {
    return {};
  }
}

}  // namespace accrete::kernels::cuda
