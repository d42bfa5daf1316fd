// SPDX-License-Identifier: Apache-2.0
// The epilogue of a convolution whose rows are a phase of the pixels of its result: pixels of one
// line are a step apart, and so are the lines.
#if defined(ACCRETE_CPU_GEMM_PHASE_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_PHASE_EPILOGUE_INL_H_
#undef ACCRETE_CPU_GEMM_PHASE_EPILOGUE_INL_H_
#else
#define ACCRETE_CPU_GEMM_PHASE_EPILOGUE_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "cpu/gemm/epilogue-inl.h"
#include "cpu/stride_phases.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Hands every line of a tile to an epilogue of its own, make(x, g) for the pixels of that line.
template <class Make>
class PhaseEpilogue {
 public:
  /// Blocks are numbered from `first_block` on. `x` may be empty; else it has the shape of `g`.
  PhaseEpilogue(const StridePhase& phase, const ConstTensorView& x, const TensorView& g,
                std::int64_t first_block, const Make& make)
      : phase_(phase), x_(x), g_(g), first_block_(first_block), make_(make) {}

  void operator()(const TileResult& tile) const {
    for (std::int64_t done = 0; done < tile.rows;) {
      const std::int64_t row = tile.row + done;
      TileResult line = tile;
      line.values += done * tile.pitch;
      line.block += first_block_;
      line.block_row += done;
      line.row = 0;
      line.rows = std::min(tile.rows - done, phase_.w.count - row % phase_.w.count);
      epilogue_from(pixel_of(row))(line);
      done += line.rows;
    }
  }
  void finish(std::int64_t block) const { epilogue_from(0).finish(block); }
  void add_touched(TouchedRows& /*touched*/) const {}

 private:
  std::int64_t pixel_of(std::int64_t row) const {
    const std::int64_t line = row / phase_.w.count;
    const std::int64_t image = line / phase_.h.count;
    const std::int64_t h = phase_.h.position(line % phase_.h.count);
    const std::int64_t w = phase_.w.position(row % phase_.w.count);
    return (image * g_.shape.h + h) * g_.shape.w + w;
  }

  auto epilogue_from(std::int64_t pixel) const {
    ConstTensorView x = x_;
    TensorView g = g_;
    const std::int64_t bytes = pixel * static_cast<std::int64_t>(dtype_bytes(g.dtype));
    if (x.data != nullptr) {
      x.data = static_cast<const char*>(x.data) + bytes * x.pitch;
    }
    g.data = static_cast<char*>(g.data) + bytes * g.pitch;
    x.pitch *= phase_.w.step;
    g.pitch *= phase_.w.step;
    return make_(x, g);
  }

  StridePhase phase_;
  ConstTensorView x_;
  TensorView g_;
  std::int64_t first_block_;
  const Make& make_;
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
