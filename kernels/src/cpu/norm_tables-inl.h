// SPDX-License-Identifier: Apache-2.0
// Batch norm as y = scale * x + shift, and what it still owes to a gradient as a linear function
// of gradient and tensor. Every kernel takes the factors and the sums from here: the ReLU mask that
// backward kernels recompute is then the one of the forward pass, bit for bit.
#if defined(ACCRETE_KERNELS_CPU_NORM_TABLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_NORM_TABLES_INL_H_
#undef ACCRETE_KERNELS_CPU_NORM_TABLES_INL_H_
#else
#define ACCRETE_KERNELS_CPU_NORM_TABLES_INL_H_
#endif

#include "accrete/kernels/norm_relu.h"
#include "cpu/scratch.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// scale = gamma * inv_std, shift = beta - mean * scale, for `channels` channels from `channel` on.
/// `inv_std` and the tables start with that channel; the tables are padded to kMaxLanes.
HWY_INLINE void affine_factors(const NormRelu& norm, const float* inv_std, std::int64_t channel,
                               std::int64_t channels, float* scale, float* shift) {
  const float* gamma = norm.gamma.f32() + channel;
  const float* beta = norm.beta.f32() + channel;
  const float* mean = norm.mean.f32() + channel;
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto factor = hn::Mul(io.load(gamma + c), io.load(inv_std + c));
    io.store_padded(factor, scale + c);
    io.store_padded(hn::NegMulAdd(io.load(mean + c), factor, io.load(beta + c)), shift + c);
  });
}

template <class V>
HWY_INLINE V affine(V x, V scale, V shift) {
  return hn::MulAdd(x, scale, shift);
}

/// inv_std * (g - a - (y - mean) * inv_std * b) with the factors collected. The constant is
/// computed in double: its terms cancel where |mean| is large.
HWY_INLINE void deferred_gradient_factors(const DeferredGradient& gradient, std::int64_t channel,
                                          std::int64_t channels,
                                          const DeferredGradientTable& table) {
  const float* mean = gradient.mean.f32() + channel;
  const float* inv_std = gradient.inv_std.f32() + channel;
  const float* a = gradient.a.f32() + channel;
  const float* b = gradient.b.f32() + channel;
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto deviation = static_cast<double>(inv_std[c]);
    const auto of_y = static_cast<float>(-deviation * deviation * static_cast<double>(b[c]));
    table.of_g[c] = inv_std[c];
    table.of_y[c] = of_y;
    table.constant[c] =
        static_cast<float>(-deviation * static_cast<double>(a[c]) -
                           static_cast<double>(mean[c]) * static_cast<double>(of_y));
  }
}

template <class V>
HWY_INLINE V deferred_gradient(V g, V y, V of_g, V of_y, V constant) {
  return hn::MulAdd(g, of_g, hn::MulAdd(y, of_y, constant));
}

// Tables of all channels. Computed by the pool, which flushes denormals, so that they are the same
// bits as in kernels whose tasks compute them.
inline NormReluTable make_table(ThreadPool& pool, const NormRelu& norm, std::int64_t channels,
                                WorkspaceFloats& floats) {
  const NormReluTable table = NormReluTable::take(floats, channels);
  pool.parallel_for(1, [&](std::int64_t /*task*/) HWY_ATTR {
    affine_factors(norm, norm.inv_std.f32(), 0, channels, table.scale, table.shift);
  });
  return table;
}
inline DeferredGradientTable make_table(ThreadPool& pool, const DeferredGradient& gradient,
                                        std::int64_t channels, WorkspaceFloats& floats) {
  const DeferredGradientTable table = DeferredGradientTable::take(floats, channels);
  pool.parallel_for(1, [&](std::int64_t /*task*/)
                           HWY_ATTR { deferred_gradient_factors(gradient, 0, channels, table); });
  return table;
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
