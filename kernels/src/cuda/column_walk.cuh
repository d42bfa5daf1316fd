// SPDX-License-Identifier: Apache-2.0
// Kernels whose threads walk down the rows of a tensor, each at one pack of channels, so that what
// belongs to a channel stays in registers: for_each_row, and those of column_reduction.cuh and
// moments.cuh. Where tensors are not aligned, the elements of a pack move one by one: who works at
// what, and so the order of all sums, is the same.
#pragma once

#include <string>

#include "accrete/kernels/error.h"
#include "cuda/row_access.cuh"
#include "cuda/row_chunks.h"

namespace accrete::kernels::cuda {

constexpr unsigned kColumnThreads = 256;

/// A block's threads: lanes for 128 neighbouring bytes, in as many rows as that leaves threads for.
constexpr unsigned kColumnLanes = 8;
constexpr unsigned kColumnRows = kColumnThreads / kColumnLanes;

/// The channels of a thread: a whole pack if ALIGNED, else `count` of one.
template <class T, bool ALIGNED>
struct ChannelPack {
  static constexpr int kWidth = kPackWidth<T>;
  static constexpr int kOfBlock = static_cast<int>(kColumnLanes) * kWidth;
  std::int64_t first;
  int count;
};

/// One pack of elements, the rest of it zero.
template <class T, bool ALIGNED>
__device__ __forceinline__ PackOf<T> load_part(const T* address, int count) {
  if constexpr (ALIGNED) {
    return load_pack<T, kPackWidth<T>>(address);
  } else {
    PackOf<T> pack;
#pragma unroll
    for (int i = 0; i < kPackWidth<T>; ++i) {
      pack.v[i] = i < count ? to_float(address[i]) : 0.0F;
    }
    return pack;
  }
}

template <class T, bool ALIGNED>
__device__ __forceinline__ void store_part(T* address, int count, const PackOf<T>& pack) {
  if constexpr (ALIGNED) {
    store_pack<T, kPackWidth<T>>(address, pack);
  } else {
#pragma unroll
    for (int i = 0; i < kPackWidth<T>; ++i) {
      if (i < count) {
        address[i] = from_float<T>(pack.v[i]);
      }
    }
  }
}

/// Bytes from row to row of a tensor whose rows are found by a 32-bit multiplication.
inline std::uint32_t walked_pitch(const ConstTensorView& view) {
  const auto bytes = view.pitch * static_cast<std::int64_t>(dtype_bytes(view.dtype));
  if (view.shape.pixels() >> 31 != 0 || (view.shape.pixels() > 1 && bytes >> 32 != 0)) {
    throw Error(ErrorCode::unsupported,
                "[column_walk] a tensor has " + std::to_string(view.shape.pixels()) + " pixels " +
                    std::to_string(bytes) +
                    " bytes apart; on a GPU there can be 2^31 - 1 of them, less than 4 GiB apart");
  }
  return static_cast<std::uint32_t>(bytes);
}

/// The columns of a view, and after `at` a pack of them.
template <class T, bool ALIGNED>
struct ConstColumns {
  const T* data;
  std::uint32_t pitch_bytes;
  int count = 0;

  explicit ConstColumns(const ConstTensorView& view)
      : data(static_cast<const T*>(view.data)), pitch_bytes(walked_pitch(view)) {}
  __device__ __forceinline__ ConstColumns at(const ChannelPack<T, ALIGNED>& channels) const {
    ConstColumns columns = *this;
    columns.data += channels.first;
    columns.count = channels.count;
    return columns;
  }
  __device__ __forceinline__ PackOf<T> load(std::uint32_t row) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(data);
    return load_part<T, ALIGNED>(
        reinterpret_cast<const T*>(bytes + static_cast<std::uint64_t>(row) * pitch_bytes), count);
  }
};

template <class T, bool ALIGNED>
struct Columns {
  T* data;
  std::uint32_t pitch_bytes;
  int count = 0;

  explicit Columns(const TensorView& view)
      : data(static_cast<T*>(view.data)), pitch_bytes(walked_pitch(view)) {}
  __device__ __forceinline__ Columns at(const ChannelPack<T, ALIGNED>& channels) const {
    Columns columns = *this;
    columns.data += channels.first;
    columns.count = channels.count;
    return columns;
  }
  __device__ __forceinline__ PackOf<T> load(std::uint32_t row) const {
    return load_part<T, ALIGNED>(address(row), count);
  }
  __device__ __forceinline__ void store(std::uint32_t row, const PackOf<T>& pack) const {
    store_part<T, ALIGNED>(address(row), count, pack);
  }

 private:
  __device__ __forceinline__ T* address(std::uint32_t row) const {
    auto* bytes = reinterpret_cast<unsigned char*>(data);
    return reinterpret_cast<T*>(bytes + static_cast<std::uint64_t>(row) * pitch_bytes);
  }
};

/// Rows that blocks divide among themselves.
struct WalkedRows {
  std::uint32_t rows, rows_per_chunk;
  std::int64_t channels;
};

/// Where a thread walks: threadIdx.x is its pack among the block's channels, blockIdx.y the chunk,
/// threadIdx.y its first row there. A warp has four rows of 128 bytes. Beside the last channel
/// there is no row at all.
template <class Channels>
struct ColumnWalk {
  Channels channels;
  std::uint32_t first, end;  ///< in steps of kColumnRows
  std::uint32_t chunk_rows;

  __device__ __forceinline__ explicit ColumnWalk(const WalkedRows& walked) {
    const std::int64_t at = block_channel() + threadIdx.x * Channels::kWidth;
    const bool inside = at < walked.channels;
    const std::int64_t rest = walked.channels - at;
    const std::uint32_t begin = blockIdx.y * walked.rows_per_chunk;
    const std::uint32_t left = walked.rows - begin;
    channels = {inside ? at : 0,
                rest < Channels::kWidth ? static_cast<int>(rest) : Channels::kWidth};
    chunk_rows = walked.rows_per_chunk < left ? walked.rows_per_chunk : left;
    first = begin + threadIdx.y;
    end = inside ? begin + chunk_rows : begin;
  }
  /// First channel of the block.
  __device__ __forceinline__ static std::int64_t block_channel() {
    return static_cast<std::int64_t>(blockIdx.x) * Channels::kOfBlock;
  }
};

/// Blocks that `channels` take side by side.
template <class Channels>
std::int64_t column_blocks(std::int64_t channels) {
  return (channels + Channels::kOfBlock - 1) / Channels::kOfBlock;
}

template <class Channels>
LaunchShape column_shape(const RowChunks& chunks, std::int64_t channels) {
  return {dim3(static_cast<unsigned>(column_blocks<Channels>(channels)),
               static_cast<unsigned>(chunks.count)),
          dim3(kColumnLanes, kColumnRows)};
}

inline WalkedRows walked_rows(std::int64_t rows, const RowChunks& chunks, std::int64_t channels) {
  return {static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(chunks.rows_per_chunk),
          channels};
}

/// Computes  column(row), with column = body.column(channels), for every row and every pack of
///           channels of a matrix of rows by channels.
/// Body      Channels, a ChannelPack<T, ALIGNED>; column(channels) const, which loads what belongs
///           to these channels once and returns a functor of the row. It holds its tensors itself,
///           of any pitch (Columns, ConstColumns). What a row is it says: a pixel of what is
///           written mostly, or an image.
/// Grid      x: 128 bytes of channels (32 of f32, 64 of bf16); y: chunks of rows (column_chunks:
///           multiples of 64 rows, at most 512 chunks and no more than make about 1024 blocks).
/// Threads   (8, 32), see ColumnWalk.
/// Shared    none.
/// Limits    ALIGNED: packs_fit of every tensor and vectors_fit of every vector over channels.
///           Every tensor has fewer than 2^31 rows, less than 4 GiB apart (walked_pitch throws).
/// Work      the body's bytes and FLOPs: every tensor moved once, its vectors once a thread.
/// Registers are left for two blocks on a multiprocessor.
template <class Body>
__global__ void __launch_bounds__(kColumnThreads, 2) for_each_row(Body body, WalkedRows walked) {
  const ColumnWalk<typename Body::Channels> walk(walked);
  const auto column = body.column(walk.channels);
  for (std::uint32_t row = walk.first; row < walk.end; row += kColumnRows) {
    column(row);
  }
}

template <class Body>
void launch_rows(const Stream& stream, const char* op, const Body& body, std::int64_t rows,
                 std::int64_t channels) {
  using Channels = typename Body::Channels;
  const RowChunks chunks = column_chunks(rows, column_blocks<Channels>(channels));
  launch(stream, op, &for_each_row<Body>, column_shape<Channels>(chunks, channels), body,
         walked_rows(rows, chunks, channels));
}

/// Calls call.template operator()<T, ALIGNED>().
template <class Call>
void with_columns(DType dtype, bool aligned, const Call& call) {
  if (dtype == DType::bf16) {
    aligned ? call.template operator()<bf16, true>() : call.template operator()<bf16, false>();
  } else {
    aligned ? call.template operator()<float, true>() : call.template operator()<float, false>();
  }
}

}  // namespace accrete::kernels::cuda
