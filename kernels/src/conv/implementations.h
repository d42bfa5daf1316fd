// SPDX-License-Identifier: Apache-2.0
// The ways there are to compute one call, best first.
#pragma once

#include "accrete/kernels/call.h"

namespace accrete::kernels::cuda {

/// `run` returns false, and launches nothing, where it does not take the call.
template <class Call>
struct Implementation {
  const char* name;
  bool (*run)(const Stream& stream, const Call& call, const Workspace& workspace);
};

/// The name of the first that takes the call. The last takes every one.
template <class Call, std::size_t COUNT>
const char* run_first(const Implementation<Call> (&table)[COUNT], const Stream& stream,
                      const Call& call, const Workspace& workspace) {
  for (const Implementation<Call>& implementation : table) {
    if (implementation.run(stream, call, workspace)) {
      return implementation.name;
    }
  }
  return "none";
}

}  // namespace accrete::kernels::cuda
