// SPDX-License-Identifier: Apache-2.0
// The one way from a call to its kernel. A family's file here, call/<family>.cpp, says for each
// call operands_of(), and require_options(), macs() and bytes() where these have something to say,
// and instantiates what call.h declares.
#pragma once

#include "call/backend.h"
#include "call/operands.h"
#include "call/workspace.h"

namespace accrete::kernels {

// Of calls without options, without matrix products, and whose tensors are all views.
template <class Call>
void require_options(const Stream& /*stream*/, const Call& /*call*/) {}
template <class Call>
std::int64_t macs(const Call& /*call*/) {
  return 0;
}
template <class Call>
std::int64_t bytes(const Call& call) {
  return operands_of(call).bytes();
}

// Of a call whose problem has been checked: sizes follow from it.
template <class Call>
std::size_t planned_bytes(const Call& call, const Device& device) {
  return device.kind == DeviceKind::cuda ? cuda::workspace_bytes(call) : cpu::workspace_bytes(call);
}

template <class Call>
std::size_t workspace_bytes(const Call& call, const Device& device) {
  operands_of(call);
  return planned_bytes(call, device);
}

template <class Call>
Cost cost(const Call& call) {
  const std::int64_t moved = bytes(call);  // which checks what counts follow from
  return {macs(call), moved};
}

template <class Call>
const char* run(const Stream& stream, const Call& call, const Workspace& workspace) {
  require_options(stream, call);
  operands_of(call).require_valid(stream);
  require_workspace(Call::kName, stream, workspace, planned_bytes(call, stream.device()));
  return static_cast<const Kernel<Call>&>(stream.backend()).run(stream, call, workspace);
}

}  // namespace accrete::kernels

/// What call.h declares, for one call.
#define ACCRETE_INSTANTIATE_CALL(Call)                                    \
  template const char* run(const Stream&, const Call&, const Workspace&); \
  template std::size_t workspace_bytes(const Call&, const Device&);       \
  template Cost cost(const Call&);
