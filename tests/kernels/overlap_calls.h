// SPDX-License-Identifier: Apache-2.0
// Every public call as one that writes one tensor and reads another, for the tests of overlaps.
#pragma once

#include <functional>
#include <vector>

#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::test {

/// Channels of all tensors.
constexpr std::int64_t kOverlapChannels = 8;

/// A call that writes `out` and reads `in`; all else that it takes lies apart.
struct OverlapCall {
  const char* op;
  Shape out, in;
  bool out_packed, in_packed;
  bool in_place;  ///< `out` may be `in` itself
  std::function<void(const Stream&, TensorView out, ConstTensorView in)> run;
};

std::vector<OverlapCall> overlap_calls();

}  // namespace accrete::test
