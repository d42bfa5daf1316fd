// SPDX-License-Identifier: Apache-2.0
// The transforms of tiles.h, of vectors of channels.
#if defined(ACCRETE_CPU_WINOGRAD_TRANSFORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_WINOGRAD_TRANSFORMS_INL_H_
#undef ACCRETE_CPU_WINOGRAD_TRANSFORMS_INL_H_
#else
#define ACCRETE_CPU_WINOGRAD_TRANSFORMS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <utility>

#include "conv/gemm/line_ring-inl.h"
#include "conv/winograd/tiles.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

template <std::size_t kCount>
struct Line {
  FloatVec v[kCount];
};
template <std::size_t kCount>
struct Square {
  Line<kCount> row[kCount];
};

/// B^T d.
struct OfInput {
  static constexpr std::size_t kIn = 4, kOut = 4;
  static HWY_INLINE Line<4> line(const Line<4>& d) {
    return {{hn::Sub(d.v[0], d.v[2]), hn::Add(d.v[1], d.v[2]), hn::Sub(d.v[2], d.v[1]),
             hn::Sub(d.v[1], d.v[3])}};
  }
};

/// G g.
struct OfFilter {
  static constexpr std::size_t kIn = 3, kOut = 4;
  static HWY_INLINE Line<4> line(const Line<3>& g) {
    const FloatVec half = hn::Set(FloatTag(), 0.5F);
    const FloatVec outer = hn::Mul(half, hn::Add(g.v[0], g.v[2]));
    const FloatVec inner = hn::Mul(half, g.v[1]);
    return {{g.v[0], hn::Add(outer, inner), hn::Sub(outer, inner), g.v[2]}};
  }
};

/// A^T m.
struct OfProducts {
  static constexpr std::size_t kIn = 4, kOut = 2;
  static HWY_INLINE Line<2> line(const Line<4>& m) {
    return {{hn::Add(hn::Add(m.v[0], m.v[1]), m.v[2]), hn::Sub(hn::Sub(m.v[1], m.v[2]), m.v[3])}};
  }
};

/// A z: the gradient of A^T m.
struct OfResultGradient {
  static constexpr std::size_t kIn = 2, kOut = 4;
  static HWY_INLINE Line<4> line(const Line<2>& z) {
    return {{z.v[0], hn::Add(z.v[0], z.v[1]), hn::Sub(z.v[0], z.v[1]), hn::Neg(z.v[1])}};
  }
};

/// G^T m: the gradient of G g.
struct OfFilterGradient {
  static constexpr std::size_t kIn = 4, kOut = 3;
  static HWY_INLINE Line<3> line(const Line<4>& m) {
    const FloatVec half = hn::Set(FloatTag(), 0.5F);
    const FloatVec sum = hn::Mul(half, hn::Add(m.v[1], m.v[2]));
    return {{hn::Add(m.v[0], sum), hn::Mul(half, hn::Sub(m.v[1], m.v[2])), hn::Add(sum, m.v[3])}};
  }
};

template <std::size_t kColumn, std::size_t... Row>
HWY_INLINE Line<sizeof...(Row)> column_of(const Square<sizeof...(Row)>& in,
                                          std::index_sequence<Row...> /*rows*/) {
  return {{in.row[Row].v[kColumn]...}};
}
template <std::size_t kRow, std::size_t kOut, std::size_t... Column>
HWY_INLINE Line<sizeof...(Column)> row_of(const Line<kOut> (&columns)[sizeof...(Column)],
                                          std::index_sequence<Column...> /*columns*/) {
  return {{columns[Column].v[kRow]...}};
}
template <class Transform, std::size_t... In, std::size_t... Out>
HWY_INLINE Square<Transform::kOut> transformed(const Square<Transform::kIn>& in,
                                               std::index_sequence<In...> ins,
                                               std::index_sequence<Out...> /*outs*/) {
  const Line<Transform::kOut> columns[] = {Transform::line(column_of<In>(in, ins))...};
  return {{Transform::line(row_of<Out>(columns, ins))...}};
}

/// The transform of every column, then of every row of the results.
template <class Transform>
HWY_INLINE Square<Transform::kOut> transformed(const Square<Transform::kIn>& in) {
  return transformed<Transform>(in, std::make_index_sequence<Transform::kIn>(),
                                std::make_index_sequence<Transform::kOut>());
}

/// Stores the vectors in raster order, `stride` floats apart.
template <std::size_t kCount>
HWY_INLINE void store_square(const Square<kCount>& square, float* target, std::int64_t stride) {
  for (const Line<kCount>& line : square.row) {
    for (const FloatVec& vector : line.v) {
      store_lanes(vector, target);
      target += stride;
    }
  }
}
/// A square from load(row, column).
template <std::size_t kCount, class Load>
HWY_INLINE Square<kCount> load_square(const Load& load) {
  Square<kCount> square;
  for (std::size_t r = 0; r < kCount; ++r) {
    for (std::size_t c = 0; c < kCount; ++c) {
      square.row[r].v[c] = load(r, c);
    }
  }
  return square;
}

// The transformed windows of tiles, from the lines of a ring.

/// The lines of floats that windows are read from.
template <class T, class Transform>
using WindowRing = LineRing<T, Transform, float>;

/// The four lines of a window, of four pixels each.
struct WindowLines {
  const float* line[4];

  /// The next window of a ring; lines outside the image are `zeros`.
  template <class Ring>
  WindowLines(Ring& ring, const Window& window, const float* zeros) {
    ring.prepare(window);
    for (std::int64_t r = 0; r < 4; ++r) {
      const float* taps = ring.filter_row(window, r);
      line[r] = taps == nullptr ? zeros : taps;
    }
  }
  /// The transform of a vector of channels from c on.
  HWY_INLINE Square<4> transformed_at(std::int64_t channels, std::int64_t c) const {
    return transformed<OfInput>(load_square<4>([&](std::size_t r, std::size_t s) HWY_ATTR {
      return load_lanes(line[r] + static_cast<std::int64_t>(s) * channels + c);
    }));
  }
};

/// Where the transformed windows go: one row per window, its channels in chunks of kChunk, for each
/// frequency.
struct WindowTarget {
  float* data;
  std::int64_t pitch;             ///< of windows
  std::int64_t chunk_floats;      ///< from one chunk to the next
  std::int64_t frequency_floats;  ///< from one frequency to the next
};

/// Rows [first, last) of `windows`, a matrix of windows of 4x4.
template <class T, class Transform>
void transform_windows(const Im2col& windows, WindowRing<T, Transform>& ring, std::int64_t first,
                       std::int64_t last, const float* zeros, const WindowTarget& to) {
  WindowCursor cursor(windows, first);
  float* target = to.data;
  for (; first < last; ++first, cursor.advance(), target += to.pitch) {
    const WindowLines lines(ring, cursor.window(), zeros);
    for (std::int64_t c = 0; c < windows.channels; c += kLanes) {
      store_square(lines.transformed_at(windows.channels, c),
                   target + c / kChunk * to.chunk_floats + c % kChunk, to.frequency_floats);
    }
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
