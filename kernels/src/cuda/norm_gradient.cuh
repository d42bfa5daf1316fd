// SPDX-License-Identifier: Apache-2.0
// What a reader through NormRelu leaves behind: its masked, scaled gradient in g, and per channel
// the sums of dz and dz * xhat.
#pragma once

#include <utility>

#include "cuda/column_reduction.cuh"
#include "cuda/norm_packs.cuh"

namespace accrete::kernels::cuda {

/// Where the sums of dz and of dz * xhat over all rows go; a and b may be null.
struct NormGradientSums {
  using Rule = SumRule;
  const float* gamma;
  float* a;
  float* b;
  float* grad_gamma;
  float* grad_beta;
  bool accumulate;

  NormGradientSums(const NormRelu& norm, const NormReluGradient& out)
      : gamma(norm.gamma.f32()),
        a(out.a.f32()),
        b(out.b.f32()),
        grad_gamma(out.grad_gamma.f32()),
        grad_beta(out.grad_beta.f32()),
        accumulate(out.mode == GradMode::accumulate) {}
  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& sums, double rows) const {
    grad_beta[c] = static_cast<float>(sums.first);
    grad_gamma[c] = static_cast<float>(sums.second);
    if (a != nullptr) {
      const double weight = static_cast<double>(gamma[c]) / rows;
      const auto to_a = static_cast<float>(weight * sums.first);
      const auto to_b = static_cast<float>(weight * sums.second);
      a[c] = accumulate ? a[c] + to_a : to_a;
      b[c] = accumulate ? b[c] + to_b : to_b;
    }
  }
};

/// Gradients at a reader's ReLU for some pixels.
template <class T, int PIXELS>
struct GradientTile {
  std::uint32_t pixel[PIXELS];
  PackOf<T> gradient[PIXELS];
};

/// g (= or +=) factor * dz, and the sums of dz and dz * xhat. source.column(channels)(row, take)
/// calls take(GradientTile) for some tiles; all rows together have every pixel once.
template <class T, bool ALIGNED, class Source>
struct NormGradientColumns {
  using Channels = ChannelPack<T, ALIGNED>;
  static constexpr int kBlocksToFit = blocks_to_fit<Source>();
  Source source;
  ConstColumns<T, ALIGNED> x;
  NormGradientVectors norm;
  Columns<T, ALIGNED> g;
  bool accumulate;

  struct Column {
    decltype(std::declval<Source>().column({})) source;
    ConstColumns<T, ALIGNED> x;
    Columns<T, ALIGNED> g;
    bool accumulate;
    NormPack<kPackWidth<T>> norm;
    PackOf<T> mean, factor;
    const float* inv_std;
    Channels channels;

    __device__ __forceinline__ void operator()(std::uint32_t row,
                                               ColumnSums<kPackWidth<T>>& sums) const {
      source(row, [&](const auto& tile) { take(tile, sums); });
    }
    __device__ __forceinline__ void finish(ColumnSums<kPackWidth<T>>& sums) const {
      const PackOf<T> scale = load_vector(inv_std, channels);
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        sums.second.v[i] *= scale.v[i];
      }
    }

   private:
    template <int PIXELS>
    __device__ __forceinline__ void take(const GradientTile<T, PIXELS>& tile,
                                         ColumnSums<kPackWidth<T>>& sums) const {
      PackOf<T> value[PIXELS];
#pragma unroll
      for (int k = 0; k < PIXELS; ++k) {
        value[k] = x.load(tile.pixel[k]);
      }
#pragma unroll
      for (int k = 0; k < PIXELS; ++k) {
        const PackOf<T> dz = masked(value[k], tile.gradient[k]);
        write(tile.pixel[k], dz);
        add(value[k], dz, sums);
      }
    }
    __device__ __forceinline__ PackOf<T> masked(const PackOf<T>& value, PackOf<T> gradient) const {
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        const bool passes = passes_relu(value.v[i], norm.scale.v[i], norm.shift.v[i]);
        gradient.v[i] = passes ? gradient.v[i] : 0.0F;
      }
      return gradient;
    }
    __device__ __forceinline__ void write(std::uint32_t pixel, const PackOf<T>& dz) const {
      PackOf<T> sum{};
      if (accumulate) {
        sum = g.load(pixel);
      }
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        sum.v[i] = __fmaf_rn(factor.v[i], dz.v[i], sum.v[i]);
      }
      g.store(pixel, sum);
    }
    // xhat but for inv_std, which waits for `finish`.
    __device__ __forceinline__ void add(const PackOf<T>& value, const PackOf<T>& dz,
                                        ColumnSums<kPackWidth<T>>& sums) const {
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        sums.first.v[i] += dz.v[i];
        sums.second.v[i] = __fmaf_rn(dz.v[i], value.v[i] - mean.v[i], sums.second.v[i]);
      }
    }
  };

  __device__ __forceinline__ Column column(const Channels& channels) const {
    const NormPack<kPackWidth<T>> pack(norm, channels);
    return {source.column(channels),
            x.at(channels),
            g.at(channels),
            accumulate,
            pack,
            load_vector(norm.mean, channels),
            norm.deferred ? load_vector(norm.gamma, channels) : pack.scale,
            norm.inv_std,
            channels};
  }
};

/// Whether what a call reads through NormRelu, its vectors and the gradient of it are all aligned.
template <class Call>
bool norm_packs_fit(const Call& call) {
  return packs_fit(call.x) && packs_fit(call.grad_x.g) && vectors_fit(call.norm);
}

/// Queues it for a call with x, norm and grad_x. `rows` is how many the source has.
template <class T, bool ALIGNED, class Call, class Source>
void launch_norm_gradient(const Stream& stream, const Call& call, const Source& source,
                          std::int64_t rows, const Workspace& workspace) {
  const NormReluGradient& grad_x = call.grad_x;
  const NormGradientColumns<T, ALIGNED, Source> body{
      source, ConstColumns<T, ALIGNED>(call.x), NormGradientVectors(call.norm, grad_x),
      Columns<T, ALIGNED>(grad_x.g), grad_x.mode == GradMode::accumulate};
  launch_sums(stream, call.kName, body, rows, call.x.shape.pixels(), call.x.shape.c,
              NormGradientSums(call.norm, grad_x), workspace);
}

}  // namespace accrete::kernels::cuda
