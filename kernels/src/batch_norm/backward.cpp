// SPDX-License-Identifier: Apache-2.0
// Batch norm backward: one pass of sums for the parameters, one pass for the data.
#include "accrete/kernels/batch_norm.h"
#include "cpu/channel_sums.h"
#include "cpu/row_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "batch_norm/backward.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/column_sums-inl.h"
#include "cpu/norm_tables-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// What a tile needs of each channel.
struct GradientFactors {
  TileVector scale;
  TileVector shift;
  TileVector mean;
};

HWY_INLINE void load_factors(const RowTile& tile, const NormRelu& norm, GradientFactors& factors) {
  affine_factors(norm, norm.inv_std.f32() + tile.channel, tile.channel, tile.channels,
                 factors.scale.values, factors.shift.values);
  const float* mean = norm.mean.f32() + tile.channel;
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    io.store_padded(io.load(mean + c), factors.mean.values + c);
  });
}

// grad_y, gated by the recomputed output when it went through ReLU.
template <bool kRelu, class Access, class T>
HWY_INLINE auto gated_gradient(const Access& io, const GradientFactors& factors, std::int64_t c,
                               const T* gradient, typename Access::V x) {
  auto dz = io.load(gradient);
  if constexpr (kRelu) {
    const auto z = affine(x, io.load_padded(factors.scale.values + c),
                          io.load_padded(factors.shift.values + c));
    dz = gate_positive(io.d, z, dz);
  }
  return dz;
}

// Sums of dz and of dz * (x - mean).
template <bool kRelu, class T>
HWY_INLINE void sum_gradients(const RowTile& tile, const ConstRows<T>& grad_y,
                              const ConstRows<T>& x, const GradientFactors& factors, float* sum,
                              float* product) {
  const T* gradient = grad_y.at(tile.row, tile.channel);
  const T* from = x.at(tile.row, tile.channel);
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto mean = io.load_padded(factors.mean.values + c);
    const auto sums =
        sum_column_pair(io, tile.rows, [&](std::int64_t row, auto& pair) ACCRETE_VECTOR_BODY {
          const auto value = io.load(from + c + row * x.pitch);
          const auto dz =
              gated_gradient<kRelu>(io, factors, c, gradient + c + row * grad_y.pitch, value);
          pair.first = hn::Add(pair.first, dz);
          pair.second = hn::MulAdd(dz, hn::Sub(value, mean), pair.second);
        });
    io.store_padded(sums.first, sum + c);
    io.store_padded(sums.second, product + c);
  });
}

template <class T>
void gradient_sums(const RowTile& tile, bool relu, const ConstRows<T>& grad_y,
                   const ConstRows<T>& x, const NormRelu& norm, float* sum, float* product) {
  GradientFactors factors;
  load_factors(tile, norm, factors);
  if (relu) {
    sum_gradients<true>(tile, grad_y, x, factors, sum, product);
  } else {
    sum_gradients<false>(tile, grad_y, x, factors, sum, product);
  }
}

void gradient_sums_tile(const BatchNormBackward& call, const RowTile& tile, float* sum,
                        float* product) {
  with_element(call.x.dtype, [&]<class T>() {
    gradient_sums(tile, call.relu, ConstRows<T>(call.grad_y), ConstRows<T>(call.x), call.norm, sum,
                  product);
  });
}

// grad_x = scale * dz + constant + (x - mean) * slope.
struct DataFactors {
  GradientFactors common;
  TileVector constant;
  TileVector slope;
};

HWY_INLINE void load_data_factors(const RowTile& tile, const NormRelu& norm,
                                  const float* grad_gamma, const float* grad_beta, float inv_pixels,
                                  DataFactors& factors) {
  load_factors(tile, norm, factors.common);
  const float* inv_std = norm.inv_std.f32() + tile.channel;
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto factor =
        hn::Mul(io.load_padded(factors.common.scale.values + c), hn::Set(io.d, -inv_pixels));
    const auto slope = hn::Mul(io.load(inv_std + c), io.load(grad_gamma + tile.channel + c));
    io.store_padded(hn::Mul(factor, io.load(grad_beta + tile.channel + c)),
                    factors.constant.values + c);
    io.store_padded(hn::Mul(factor, slope), factors.slope.values + c);
  });
}

template <bool kRelu, GradMode kMode, class T>
HWY_INLINE void data_gradient_rows(const RowTile& tile, const ConstRows<T>& grad_y,
                                   const ConstRows<T>& x, const DataFactors& factors,
                                   const Rows<T>& grad_x) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* gradient = grad_y.at(row, tile.channel);
    const T* from = x.at(row, tile.channel);
    T* to = grad_x.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      const auto value = io.load(from + c);
      const auto dz = gated_gradient<kRelu>(io, factors.common, c, gradient + c, value);
      const auto centred = hn::Sub(value, io.load_padded(factors.common.mean.values + c));
      const auto correction = hn::MulAdd(centred, io.load_padded(factors.slope.values + c),
                                         io.load_padded(factors.constant.values + c));
      auto result = hn::MulAdd(dz, io.load_padded(factors.common.scale.values + c), correction);
      if constexpr (kMode == GradMode::accumulate) {
        result = hn::Add(io.load(to + c), result);
      }
      io.store(result, to + c);
    });
  }
}

template <class T>
void data_gradient(const RowTile& tile, bool relu, GradMode mode, const ConstRows<T>& grad_y,
                   const ConstRows<T>& x, const DataFactors& factors, const Rows<T>& grad_x) {
  const bool overwrite = mode == GradMode::overwrite;
  if (relu && overwrite) {
    data_gradient_rows<true, GradMode::overwrite>(tile, grad_y, x, factors, grad_x);
  } else if (relu) {
    data_gradient_rows<true, GradMode::accumulate>(tile, grad_y, x, factors, grad_x);
  } else if (overwrite) {
    data_gradient_rows<false, GradMode::overwrite>(tile, grad_y, x, factors, grad_x);
  } else {
    data_gradient_rows<false, GradMode::accumulate>(tile, grad_y, x, factors, grad_x);
  }
}

void data_gradient_tile(const BatchNormBackward& call, const RowTile& tile, float inv_pixels) {
  DataFactors factors;
  load_data_factors(tile, call.norm, call.grad_gamma.f32(), call.grad_beta.f32(), inv_pixels,
                    factors);
  with_element(call.x.dtype, [&]<class T>() {
    data_gradient(tile, call.relu, call.mode, ConstRows<T>(call.grad_y), ConstRows<T>(call.x),
                  factors, Rows<T>(call.grad_x));
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(gradient_sums_tile);
HWY_EXPORT(data_gradient_tile);

std::size_t workspace_bytes(const BatchNormBackward& call) {
  return float_bytes(
      ChannelPartials::floats(channel_tiles(call.x.shape).row_tiles, call.x.shape.c));
}

const char* run(const Stream& stream, const BatchNormBackward& call, const Workspace& workspace) {
  ThreadPool& pool = stream.pool();
  const RowTiles tiles = channel_tiles(call.x.shape);
  const ChannelPartials partials(static_cast<float*>(workspace.data), call.x.shape.c);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    const RowTile tile = tiles.tile(task);
    HWY_DYNAMIC_DISPATCH(gradient_sums_tile)
    (call, tile, partials.first(tile.row_index) + tile.channel,
     partials.second(tile.row_index) + tile.channel);
  });
  finish_gradient_sums(pool, partials, tiles.row_tiles, call.norm,
                       {call.grad_x, {}, {}, call.grad_gamma, call.grad_beta, call.mode});
  // Constant statistics have no gradient that would reach x: their terms count 0 times.
  const double share = call.constant_statistics ? 0.0 : 1.0;
  const auto inv_pixels = static_cast<float>(share / static_cast<double>(call.x.shape.pixels()));
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(data_gradient_tile)(call, tiles.tile(task), inv_pixels);
  });
  return "rows";
}

}  // namespace accrete::kernels::cpu
#endif
