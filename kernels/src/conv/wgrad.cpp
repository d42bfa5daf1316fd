// SPDX-License-Identifier: Apache-2.0
// The gradient of the weights. NormRelu of x and what batch norm owes to grad_y are applied while
// the operands are packed.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "conv/wgrad.cpp"
#include "hwy/foreach_target.h"

#include "accrete/kernels/conv.h"
#include "conv/gemm/gemm_outer-inl.h"
#include "conv/winograd/outer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Calls product(transform of x, transform of the gradient) with what the call's parts ask for.
template <class T, class Product>
void multiply_with_parts(ThreadPool& pool, const ConvWgrad& call, WorkspaceFloats& floats,
                         const Product& product) {
  with_norm_load<T>(pool, call.norm, call.problem.C, floats, [&](const auto& of_x) {
    with_gradient_load<T>(pool, call.grad_y, call.problem.K, floats,
                          [&](const auto& of_gradient) { product(of_x, of_gradient); });
  });
}

template <class T>
void wgrad(ThreadPool& pool, const ConvWgrad& call, const Im2col& matrix, WorkspaceFloats floats) {
  const Im2col gradient = rows_of(call.grad_y.g);
  const OuterBlocking blocking = outer_blocking(matrix, call.problem.K);
  float* const partials = floats.take(blocking.parts * blocking.partial_floats);
  ScratchSlots slots = take_slots(floats, blocking.tasks(), blocking.slot_floats);
  multiply_with_parts<T>(pool, call, floats, [&](const auto& of_x, const auto& of_gradient) {
    gemm_outer<T>(pool, blocking, matrix, of_x, gradient, of_gradient, slots, partials);
  });
  reduce_partials(pool, blocking, partials, call.mode == GradMode::accumulate,
                  call.grad_weight.f32());
}

template <class T>
void winograd_wgrad(ThreadPool& pool, const ConvWgrad& call, const Im2col& matrix,
                    WorkspaceFloats floats) {
  const Im2col gradient = rows_of(call.grad_y.g);
  const WinogradOuterBlocking blocking = winograd_outer_blocking(matrix, call.problem.K);
  float* const partials = floats.take(blocking.outer.parts * blocking.partial_floats);
  ScratchSlots slots = take_slots(floats, blocking.outer.tasks(), blocking.slot_floats);
  multiply_with_parts<T>(pool, call, floats, [&](const auto& of_x, const auto& of_gradient) {
    winograd_outer<T>(pool, blocking, matrix, of_x, gradient, of_gradient, slots, partials);
  });
  reduce_winograd_partials(pool, blocking, partials, call.mode == GradMode::accumulate,
                           call.grad_weight.f32());
}

const char* run_conv_wgrad(ThreadPool& pool, const ConvWgrad& call, const Workspace& workspace) {
  const Im2col matrix = im2col_of_input(call.problem, call.x);
  const WorkspaceFloats floats(workspace);
  const bool winograd = winograd_pays(matrix, call.problem.K);
  with_element(call.x.dtype, [&]<class T>() {
    if (winograd) {
      winograd_wgrad<T>(pool, call, matrix, floats);
    } else {
      wgrad<T>(pool, call, matrix, floats);
    }
  });
  return winograd ? "winograd" : "gemm";
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_wgrad);

std::size_t workspace_bytes(const ConvWgrad& call) {
  const ConvProblem& problem = call.problem;
  const Im2col matrix = im2col_of_input(problem, nothing_of(call.x.dtype));
  const std::size_t plain = winograd_pays(matrix, problem.K)
                                ? winograd_outer_blocking(matrix, problem.K).workspace_bytes()
                                : outer_blocking(matrix, problem.K).workspace_bytes();
  const bool parts = call.norm || call.grad_y.y;
  return plain + (parts ? float_bytes(NormReluTable::floats(problem.C) +
                                      DeferredGradientTable::floats(problem.K))
                        : 0);
}

const char* run(const Stream& stream, const ConvWgrad& call, const Workspace& workspace) {
  return HWY_DYNAMIC_DISPATCH(run_conv_wgrad)(stream.pool(), call, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
