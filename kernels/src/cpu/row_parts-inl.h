// SPDX-License-Identifier: Apache-2.0
// The optional parts of a call (norm_relu.h) for kernels that work through rows of channels: how x
// is loaded, how the gradient of y is, and where the gradient of x is put. Each object belongs to
// one task and holds what the task needs of its channels; columns c count from the task's first
// one.
#if defined(ACCRETE_KERNELS_CPU_ROW_PARTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_ROW_PARTS_INL_H_
#undef ACCRETE_KERNELS_CPU_ROW_PARTS_INL_H_
#else
#define ACCRETE_KERNELS_CPU_ROW_PARTS_INL_H_
#endif

#include <algorithm>

#include "cpu/channel_sums.h"
#include "cpu/norm_tables-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// The value as it is.
struct PlainRows {
  template <class Access, class T>
  HWY_INLINE auto load(const Access& io, const T* pixel, std::int64_t c) const {
    return io.load(pixel + c);
  }
};

/// Loads x as a reader through NormRelu sees it.
class NormReluRows {
 public:
  NormReluRows(const NormRelu& norm, std::int64_t channel, std::int64_t channels) {
    affine_factors(norm, norm.inv_std.f32() + channel, channel, channels, scale_.values,
                   shift_.values);
  }

  template <class Access, class T>
  HWY_INLINE auto load(const Access& io, const T* pixel, std::int64_t c) const {
    return rectify(io.d, before_relu(io, io.load(pixel + c), c));
  }
  template <class Access>
  HWY_INLINE auto before_relu(const Access& io, typename Access::V x, std::int64_t c) const {
    return affine(x, io.load_padded(scale_.values + c), io.load_padded(shift_.values + c));
  }

 private:
  TileVector scale_, shift_;
};

/// The same, rounded to what a tensor of x's type would hold of it: among such values the maximum
/// of a window is found.
struct StoredNormReluRows {
  NormReluRows exact;

  template <class Access, class T>
  HWY_INLINE auto load(const Access& io, const T* pixel, std::int64_t c) const {
    return rounded<T>(io.d, exact.load(io, pixel, c));
  }
};

/// A gradient as it is.
template <class T>
struct GradientRows {
  ConstRows<T> rows;
  std::int64_t channel = 0;

  using Pixel = const T*;
  Pixel pixel(std::int64_t row) const { return rows.at(row, channel); }

  template <class Access>
  HWY_INLINE auto load(const Access& io, Pixel pixel, std::int64_t c) const {
    return io.load(pixel + c);
  }
};

/// Loads a gradient of which something may be due.
template <class T>
class DeferredGradientRows {
 public:
  DeferredGradientRows(const DeferredGradient& gradient, std::int64_t channel,
                       std::int64_t channels)
      : g_(gradient.g), y_(gradient.y ? gradient.y : gradient.g), channel_(channel) {
    if (gradient.y) {
      deferred_gradient_factors(gradient, channel, channels,
                                {of_g_.values, of_y_.values, constant_.values});
    } else {
      std::fill_n(of_g_.values, kMaxTileChannels, 1.0F);
      std::fill_n(of_y_.values, kMaxTileChannels, 0.0F);
      std::fill_n(constant_.values, kMaxTileChannels, 0.0F);
    }
  }

  struct Pixel {
    const T* g;
    const T* y;
  };
  Pixel pixel(std::int64_t row) const { return {g_.at(row, channel_), y_.at(row, channel_)}; }

  template <class Access>
  HWY_INLINE auto load(const Access& io, const Pixel& pixel, std::int64_t c) const {
    return deferred_gradient(io.load(pixel.g + c), io.load(pixel.y + c),
                             io.load_padded(of_g_.values + c), io.load_padded(of_y_.values + c),
                             io.load_padded(constant_.values + c));
  }

 private:
  ConstRows<T> g_, y_;
  std::int64_t channel_;
  TileVector of_g_, of_y_, constant_;
};

/// Takes the gradient of what was loaded as it is: g (= or +=) it.
template <GradMode kMode, class T>
struct PlainGradientRows {
  Rows<T> g;
  std::int64_t channel = 0;

  template <class Access>
  HWY_INLINE void put(const Access& io, std::int64_t row, std::int64_t c,
                      typename Access::V gradient) const {
    T* const to = g.at(row, channel) + c;
    if constexpr (kMode == GradMode::accumulate) {
      io.store(hn::Add(io.load(to), gradient), to);
    } else {
      io.store(gradient, to);
    }
  }
};

/// Takes the gradient of what was loaded through NormRelu: g (= or +=) factor * dz, and the sums of
/// dz and dz * (x - mean). The factor is gamma, with constant statistics gamma * inv_std.
template <class T>
class NormGradientRows {
 public:
  NormGradientRows(const ConstTensorView& x, const NormRelu& norm, const NormReluGradient& out,
                   std::int64_t channel, std::int64_t channels)
      : load_(norm, channel, channels),
        x_(x),
        g_(out.g),
        accumulate_(out.mode == GradMode::accumulate),
        channel_(channel),
        channels_(channels) {
    const float* mean = norm.mean.f32() + channel;
    const float* gamma = norm.gamma.f32() + channel;
    const float* inv_std = norm.inv_std.f32() + channel;
    for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store_padded(io.load(mean + c), mean_.values + c);
      const auto factor = io.load(gamma + c);
      io.store_padded(out.deferred() ? factor : hn::Mul(factor, io.load(inv_std + c)),
                      factor_.values + c);
      io.store_padded(hn::Zero(io.d), sum_.values + c);
      io.store_padded(hn::Zero(io.d), product_.values + c);
    });
  }

  template <class Access>
  HWY_INLINE void put(const Access& io, std::int64_t row, std::int64_t c,
                      typename Access::V gradient) {
    T* const g = g_.at(row, channel_) + c;
    const auto x = io.load(x_.at(row, channel_) + c);
    const auto dz = gate_positive(io.d, load_.before_relu(io, x, c), gradient);
    const auto centred = hn::Sub(x, io.load_padded(mean_.values + c));
    io.store_padded(hn::Add(io.load_padded(sum_.values + c), dz), sum_.values + c);
    io.store_padded(hn::MulAdd(dz, centred, io.load_padded(product_.values + c)),
                    product_.values + c);
    const auto factor = io.load_padded(factor_.values + c);
    io.store(accumulate_ ? hn::MulAdd(dz, factor, io.load(g)) : hn::Mul(dz, factor), g);
  }

  void put_sums(float* sum, float* product) const {
    std::copy_n(sum_.values, channels_, sum + channel_);
    std::copy_n(product_.values, channels_, product + channel_);
  }

 private:
  NormReluRows load_;
  ConstRows<T> x_;
  Rows<T> g_;
  bool accumulate_;
  std::int64_t channel_, channels_;
  TileVector mean_, factor_, sum_, product_;
};

/// body(loader) with what loads x.
template <class Body>
HWY_INLINE void with_rows(const NormRelu& norm, std::int64_t channel, std::int64_t channels,
                          const Body& body) {
  if (norm) {
    body(NormReluRows(norm, channel, channels));
  } else {
    body(PlainRows());
  }
}

/// body(store) with what takes the gradient of x; with a norm its sums become block number `block`.
template <class T, class Body>
HWY_INLINE void with_gradient_rows(const ConstTensorView& x, const NormRelu& norm,
                                   const NormReluGradient& grad_x, std::int64_t channel,
                                   std::int64_t channels, const ChannelPartials& partials,
                                   std::int64_t block, const Body& body) {
  if (norm) {
    NormGradientRows<T> store(x, norm, grad_x, channel, channels);
    body(store);
    store.put_sums(partials.first(block), partials.second(block));
  } else if (grad_x.mode == GradMode::overwrite) {
    PlainGradientRows<GradMode::overwrite, T> store{Rows<T>(grad_x.g), channel};
    body(store);
  } else {
    PlainGradientRows<GradMode::accumulate, T> store{Rows<T>(grad_x.g), channel};
    body(store);
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
