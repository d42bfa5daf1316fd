// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's weights: cuBLAS for linear layers, band kernels, and for what these
// do not take implicit GEMM (wgrad_gemm), with both operands changed on load where the call asks
// for it. Floor: x, g and y of grad_y moved once, grad_weight once, and the partial sums of the
// ranges twice.
#include "accrete/kernels/conv.h"
#include "conv/implementations.h"
#include "conv/implicit_gemm/wgrad_kernel.cuh"

namespace accrete::kernels::cuda {
namespace {

bool implicit_gemm(const Stream& stream, const ConvWgrad& call, const Workspace& workspace) {
  const bool packs = packs_fit(call.grad_y.g) && packs_fit(companion(call.grad_y));
  with_arithmetic(stream, call.x.dtype, [&]<class Arithmetic>() {
    using T = typename Arithmetic::Element;
    const auto due = deferred_arguments<T>(call.grad_y);
    if (call.norm) {
      launch_wgrad<Arithmetic, DeferredGradientLoad<T>, NormReluLoad<T>>(
          stream, call, {NormVectors(call.norm)}, due, packs, workspace);
    } else if (call.grad_y.y) {
      launch_wgrad<Arithmetic, DeferredGradientLoad<T>, PlainLoad<T>>(stream, call, {}, due, packs,
                                                                      workspace);
    } else {
      launch_wgrad<Arithmetic, PlainLoad<T>, PlainLoad<T>>(stream, call, {}, {}, packs, workspace);
    }
  });
  return true;
}

constexpr Implementation<ConvWgrad> kImplementations[] = {
#if !defined(ACCRETE_SIMT)
    {"cublas", &cublas_wgrad},
#endif
    {"band", &band_wgrad},
    {"implicit gemm", &implicit_gemm},
};

}  // namespace

const char* run(const Stream& stream, const ConvWgrad& call, const Workspace& workspace) {
  return run_first(kImplementations, stream, call, workspace);
}

}  // namespace accrete::kernels::cuda
