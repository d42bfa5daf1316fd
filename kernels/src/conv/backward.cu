// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution: side by side where band kernels take them, else one after the
// other.
#include "call/backend.h"
#include "conv/implementations.h"
#include "conv/plan/conv_plan.h"

namespace accrete::kernels::cuda {
namespace {

bool one_after_the_other(const Stream& stream, const ConvBackward& call,
                         const Workspace& workspace) {
  run(stream,
      ConvWgrad{call.problem, call.x, call.norm, call.grad_y, call.grad_weight, call.weight_mode},
      workspace_of_weights(call.problem, workspace));
  const ConstTensorView x = call.norm ? call.x : ConstTensorView();
  run(stream, ConvDgrad{call.problem, call.grad_y, call.weight, x, call.norm, call.grad_x},
      workspace);
  return true;
}

constexpr Implementation<ConvBackward> kImplementations[] = {
    {"band", &band_backward},
    {"one after the other", &one_after_the_other},
};

}  // namespace

const char* run(const Stream& stream, const ConvBackward& call, const Workspace& workspace) {
  return run_first(kImplementations, stream, call, workspace);
}

}  // namespace accrete::kernels::cuda
