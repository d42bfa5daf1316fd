// SPDX-License-Identifier: Apache-2.0
// Rows are summed in chunks fixed by the problem, in f32; the chunks are added in order in double.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "conv/bias_grad.cpp"
#include "hwy/foreach_target.h"

#include <algorithm>

#include "accrete/kernels/conv.h"
#include "cpu/row_tiles.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// sums[kVectors vectors] = sum of `rows` rows of as many channels.
template <std::int64_t kVectors, class Access, class T>
HWY_INLINE void sum_rows(const Access& io, const T* rows_begin, std::int64_t pitch,
                         std::int64_t rows, float* sums) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(io.d));
  typename Access::V sum[kVectors];
  for (auto& s : sum) {
    s = hn::Zero(io.d);
  }
  for (std::int64_t i = 0; i < rows; ++i, rows_begin += pitch) {
    for (std::int64_t v = 0; v < kVectors; ++v) {
      sum[v] = hn::Add(sum[v], io.load(rows_begin + v * lanes));
    }
  }
  for (std::int64_t v = 0; v < kVectors; ++v) {
    io.store(sum[v], sums + v * lanes);
  }
}

template <class T>
void sum_channels(const T* begin, std::int64_t pitch, std::int64_t rows, std::int64_t channels,
                  float* sums) {
  const hn::ScalableTag<float> d;
  const std::int64_t wide = 4 * static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + wide <= channels; c += wide) {
    sum_rows<4>(FullAccess<decltype(d)>{d}, begin + c, pitch, rows, sums + c);
  }
  begin += c;
  sums += c;
  for_each_vector(channels - c, [&](const auto& io, std::int64_t i) ACCRETE_VECTOR_BODY {
    sum_rows<1>(io, begin + i, pitch, rows, sums + i);
  });
}

void sum_chunk(const ConstTensorView& grad_y, std::int64_t first, std::int64_t rows, float* sums) {
  with_element(grad_y.dtype, [&]<class T>() {
    sum_channels(elements<T>(grad_y) + first * grad_y.pitch, grad_y.pitch, rows, grad_y.shape.c,
                 sums);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {
namespace {

constexpr std::int64_t kChunkRows = 256;
constexpr std::int64_t kMaxChunks = 256;
constexpr std::int64_t kCombineChannels = 64;  // channels combined by one task

std::int64_t chunk_count(std::int64_t rows) {
  return std::min(divide_up(rows, kChunkRows), kMaxChunks);
}

}  // namespace

HWY_EXPORT(sum_chunk);

std::size_t workspace_bytes(const BiasGrad& call) {
  const Shape& grad_y = call.grad_y.shape;
  return static_cast<std::size_t>(chunk_count(grad_y.pixels()) * grad_y.c) * sizeof(float);
}

const char* run(const Stream& stream, const BiasGrad& call, const Workspace& workspace) {
  const ConstTensorView& grad_y = call.grad_y;
  ThreadPool& pool = stream.pool();
  const std::int64_t rows = grad_y.shape.pixels();
  const std::int64_t channels = grad_y.shape.c;
  const std::int64_t chunks = chunk_count(rows);
  auto* sums = static_cast<float*>(workspace.data);
  const auto sum = HWY_DYNAMIC_DISPATCH(sum_chunk);
  pool.parallel_for(chunks, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * rows / chunks;
    const std::int64_t last = (chunk + 1) * rows / chunks;
    sum(grad_y, first, last - first, sums + chunk * channels);
  });
  pool.parallel_for(divide_up(channels, kCombineChannels), [&](std::int64_t task) {
    const std::int64_t end = std::min((task + 1) * kCombineChannels, channels);
    for (std::int64_t c = task * kCombineChannels; c < end; ++c) {
      double total =
          call.mode == GradMode::accumulate ? static_cast<double>(call.grad_bias.f32()[c]) : 0.0;
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        total += static_cast<double>(sums[chunk * channels + c]);
      }
      call.grad_bias.f32()[c] = static_cast<float>(total);
    }
  });
  return "rows";
}

}  // namespace accrete::kernels::cpu
#endif
