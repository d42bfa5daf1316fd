// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution, one after the other.
#include <algorithm>

#include "call/backend.h"
#include "call/workspace.h"

namespace accrete::kernels::cpu {
namespace {

ConvWgrad wgrad_of(const ConvBackward& call) {
  return {call.problem, call.x, call.norm, call.grad_y, call.grad_weight, call.weight_mode};
}
ConvDgrad dgrad_of(const ConvBackward& call) {
  const ConstTensorView x = call.norm ? call.x : ConstTensorView();
  return {call.problem, call.grad_y, call.weight, x, call.norm, call.grad_x};
}

}  // namespace

std::size_t workspace_bytes(const ConvBackward& call) {
  return std::max(workspace_bytes(dgrad_of(call)), workspace_bytes(wgrad_of(call)));
}

const char* run(const Stream& stream, const ConvBackward& call, const Workspace& workspace) {
  run(stream, wgrad_of(call), workspace);
  return run(stream, dgrad_of(call), workspace);
}

}  // namespace accrete::kernels::cpu
