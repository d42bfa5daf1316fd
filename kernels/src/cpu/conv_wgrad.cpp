// SPDX-License-Identifier: Apache-2.0
// The gradient of the weights. NormRelu of x and what batch norm owes to grad_y are applied while
// the operands are packed.
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/conv_wgrad.cpp"
#include "hwy/foreach_target.h"

#include "cpu/conv.h"
#include "cpu/gemm/gemm_outer-inl.h"
#include "cpu/winograd/outer-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Calls product(transform of x, transform of the gradient) with what the call's parts ask for.
template <class T, class Product>
void multiply_with_parts(ThreadPool& pool, const ConvWgrad& call, WorkspaceFloats& floats,
                         const Product& product) {
  const auto multiply = [&](const auto& of_x) {
    if (call.grad_y.y) {
      const auto table = make_table(pool, call.grad_y, call.problem.K, floats);
      product(of_x, LoadDeferredGradient<T>(call.grad_y, table));
    } else {
      product(of_x, Identity<T>());
    }
  };
  if (call.norm) {
    multiply(LoadNormRelu<T>{make_table(pool, call.norm, call.problem.C, floats)});
  } else {
    multiply(Identity<T>());
  }
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

void run_conv_wgrad(ThreadPool& pool, const ConvWgrad& call, const Workspace& workspace) {
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
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(run_conv_wgrad);

std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype) {
  const Im2col matrix = im2col_of_input(problem, nothing_of(dtype));
  return winograd_pays(matrix, problem.K)
             ? winograd_outer_blocking(matrix, problem.K).workspace_bytes()
             : outer_blocking(matrix, problem.K).workspace_bytes();
}

std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype) {
  return conv_wgrad_workspace_bytes(problem, dtype) +
         float_bytes(NormReluTable::floats(problem.C) + DeferredGradientTable::floats(problem.K));
}

void conv_wgrad(ThreadPool& pool, const ConvWgrad& call, const Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(run_conv_wgrad)(pool, call, workspace);
}

}  // namespace accrete::kernels::cpu
#endif
