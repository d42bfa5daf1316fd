// SPDX-License-Identifier: Apache-2.0
// How activations are loaded on their way into a packed operand.
//
// A transform of elements T is a copyable struct with
//   static constexpr bool kPerChannel;  // false: elements stay as they are
//   Run bind(const T* source, std::int64_t channel) const;
// where `source` is where the matrix has a run of neighbouring channels from `channel` on, and Run
//   FloatVec load(std::int64_t i) const;            // channels i.. of the run
//   FloatVec load_some(std::int64_t i, std::int64_t count) const;  // its last ones
//   void add_touched(const Im2col& matrix, TouchedRows& touched) const;  // what else it reads
// Lanes behind the last channel may hold anything and are ignored, so per-channel tables must be
// readable for kMaxLanes floats behind their end. Taps outside the image are zero after the
// transform: they never reach it.
#if defined(ACCRETE_CPU_GEMM_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_TRANSFORM_INL_H_
#undef ACCRETE_CPU_GEMM_TRANSFORM_INL_H_
#else
#define ACCRETE_CPU_GEMM_TRANSFORM_INL_H_
#endif

#include <cstdint>

#include "conv/gemm/prefetch.h"
#include "cpu/norm_tables-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// The activation as it is.
template <class T>
struct PlainLoad {
  static constexpr bool kPerChannel = false;

  struct Run {
    const T* source;

    HWY_INLINE FloatVec load(std::int64_t i) const { return load_lanes(source + i); }
    HWY_INLINE FloatVec load_some(std::int64_t i, std::int64_t count) const {
      return HWY_NAMESPACE::load_some(source + i, count);
    }
  };

  HWY_INLINE Run bind(const T* source, std::int64_t /*channel*/) const { return {source}; }
  void add_touched(const Im2col& /*matrix*/, TouchedRows& /*touched*/) const {}
};

/// max(0, x * scale + shift).
template <class T>
struct NormReluLoad {
  static constexpr bool kPerChannel = true;
  NormReluTable table;

  struct Run {
    const T* source;
    const float* scale;
    const float* shift;

    HWY_INLINE FloatVec load(std::int64_t i) const { return apply(load_lanes(source + i), i); }
    HWY_INLINE FloatVec load_some(std::int64_t i, std::int64_t count) const {
      return apply(HWY_NAMESPACE::load_some(source + i, count), i);
    }

   private:
    HWY_INLINE FloatVec apply(FloatVec x, std::int64_t i) const {
      const FloatTag d;
      return rectify(d, affine(x, hn::LoadU(d, scale + i), hn::LoadU(d, shift + i)));
    }
  };

  HWY_INLINE Run bind(const T* source, std::int64_t channel) const {
    return {source, table.scale + channel, table.shift + channel};
  }
  void add_touched(const Im2col& /*matrix*/, TouchedRows& /*touched*/) const {}
};

/// A deferred gradient g * of_g + y * of_y + constant; the matrix is that of g.
template <class T>
class DeferredGradientLoad {
 public:
  static constexpr bool kPerChannel = true;

  DeferredGradientLoad(const DeferredGradient& gradient, const DeferredGradientTable& table)
      : g_(elements<T>(gradient.g)),
        y_(elements<T>(gradient.y)),
        g_pitch_(gradient.g.pitch),
        y_pitch_(gradient.y.pitch),
        table_(table) {}

  struct Run {
    const T* g;
    const T* y;
    const float* of_g;
    const float* of_y;
    const float* constant;

    HWY_INLINE FloatVec load(std::int64_t i) const {
      return apply(load_lanes(g + i), load_lanes(y + i), i);
    }
    HWY_INLINE FloatVec load_some(std::int64_t i, std::int64_t count) const {
      return apply(HWY_NAMESPACE::load_some(g + i, count), HWY_NAMESPACE::load_some(y + i, count),
                   i);
    }

   private:
    HWY_INLINE FloatVec apply(FloatVec g_value, FloatVec y_value, std::int64_t i) const {
      const FloatTag d;
      return deferred_gradient(g_value, y_value, hn::LoadU(d, of_g + i), hn::LoadU(d, of_y + i),
                               hn::LoadU(d, constant + i));
    }
  };

  HWY_INLINE Run bind(const T* source, std::int64_t channel) const {
    std::int64_t pixel = source - g_ - channel;
    if (g_pitch_ != y_pitch_) {
      pixel = pixel / g_pitch_ * y_pitch_;
    }
    return {source, y_ + pixel + channel, table_.of_g + channel, table_.of_y + channel,
            table_.constant + channel};
  }
  void add_touched(const Im2col& matrix, TouchedRows& touched) const {
    Im2col beside = matrix;
    beside.data = y_;
    beside.pitch = y_pitch_;
    touched.add(beside);
  }

 private:
  const T* g_;
  const T* y_;
  std::int64_t g_pitch_, y_pitch_;
  DeferredGradientTable table_;
};

/// use(transform): normalised on load where there is a norm, whose table is taken from `floats`.
template <class T, class Use>
void with_norm_load(ThreadPool& pool, const NormRelu& norm, std::int64_t channels,
                    WorkspaceFloats& floats, const Use& use) {
  if (norm) {
    use(NormReluLoad<T>{make_table(pool, norm, channels, floats)});
  } else {
    use(PlainLoad<T>());
  }
}

/// use(transform): completed on load where the gradient is a deferred one, whose table is taken
/// from `floats`.
template <class T, class Use>
void with_gradient_load(ThreadPool& pool, const DeferredGradient& gradient, std::int64_t channels,
                        WorkspaceFloats& floats, const Use& use) {
  if (gradient.y) {
    use(DeferredGradientLoad<T>(gradient, make_table(pool, gradient, channels, floats)));
  } else {
    use(PlainLoad<T>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
