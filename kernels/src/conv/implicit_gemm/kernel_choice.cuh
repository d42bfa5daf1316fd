// SPDX-License-Identifier: Apache-2.0
// Which instance of an implicit-GEMM kernel a call gets: arithmetic by dtype and stream, tile by
// the number of columns, loads by alignment and channels.
#pragma once

#include "conv/implicit_gemm/arithmetic.cuh"
#include "conv/implicit_gemm/tile.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {

/// How operands are loaded: 16 bytes at a time, element by element, or as few_channels.cuh does.
enum class Loads : std::uint8_t { packs, elements, gray, rgb };

/// Of an image that is loaded with few channels.
constexpr int channels_of(Loads loads) {
  return loads == Loads::rgb ? 3 : 1;
}
constexpr bool are_few_channels(Loads loads) {
  return loads == Loads::gray || loads == Loads::rgb;
}

template <class Arithmetic>
constexpr int kStepDepth = kStepBytes / static_cast<int>(sizeof(typename Arithmetic::Element));

/// Tiles of forward and dgrad, whose rows are pixels: few columns, some, many. All are 128 pixels
/// high: workspaces for sums over so many are planned without a GPU (kPixelTileRows).
template <class Arithmetic>
using NarrowTile = Tile<128, 32, 32, 16, kStepDepth<Arithmetic>>;
template <class Arithmetic>
using MediumTile = Tile<128, 64, 32, 32, kStepDepth<Arithmetic>>;
template <class Arithmetic>
using WideTile = Tile<128, 128, 64, 32, kStepDepth<Arithmetic>>;

/// Whether a call has to go to a smaller tile, because this one needs more shared memory than a
/// block of the stream's GPU can have, and there is a smaller one. Sums over the pixels of a tile
/// may then be rounded otherwise.
template <class Tile>
bool needs_smaller(const Stream& stream, std::uint32_t shared_bytes) {
  constexpr bool kHasSmaller = Tile::BN > 64;
  return kHasSmaller && shared_bytes > dynamic_shared_limit(stream.device().index);
}

/// call.template operator()<Arithmetic, Tile>(), which returns whether it could launch.
template <class Arithmetic, class Call>
void with_tile(std::int64_t columns, const Call& call) {
  const auto with = [&]<class ChosenTile>() {
    static_assert(ChosenTile::BM == 128 && ChosenTile::kThreads == kTileThreads);
    return call.template operator()<Arithmetic, ChosenTile>();
  };
  if constexpr (sizeof(typename Arithmetic::Element) == 4) {
    // f32 is for checking and for older nets: two tiles are enough.
    columns <= 32 ? with.template operator()<NarrowTile<Arithmetic>>()
                  : with.template operator()<MediumTile<Arithmetic>>();
  } else if (columns <= 32) {
    with.template operator()<NarrowTile<Arithmetic>>();
  } else if (columns <= 64 || !with.template operator()<WideTile<Arithmetic>>()) {
    with.template operator()<MediumTile<Arithmetic>>();
  }
}

/// call.template operator()<Arithmetic>().
template <class Call>
void with_arithmetic(const Stream& stream, DType dtype, const Call& call) {
  if (dtype == DType::bf16) {
    call.template operator()<Bf16Arithmetic>();
  } else if (stream.float_math() == FloatMath::tf32) {
    call.template operator()<Tf32Arithmetic>();
  } else {
    call.template operator()<StrictArithmetic>();
  }
}

}  // namespace accrete::kernels::cuda
