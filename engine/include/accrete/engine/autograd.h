// SPDX-License-Identifier: Apache-2.0
// Reverse-mode differentiation of a graph, as further nodes of the same graph.
#pragma once

#include <vector>

#include "accrete/engine/graph.h"

namespace accrete {

struct ParameterGradient {
  ValueId parameter = kNoValue;
  ValueId gradient = kNoValue;
};

/// Appends the backward pass of `loss` (a value [1,1,1,1] whose op starts the chain by itself) and
/// returns the gradient of every parameter it depends on, in order of the parameters. The
/// gradients are marked as outputs. Knows no op: each node's op supplies its own rule.
/// `apply_on_load`: ops that can apply what is deferred in a gradient (op.h) to what they load do.
std::vector<ParameterGradient> build_backward(Graph& graph, ValueId loss,
                                              bool apply_on_load = true);

}  // namespace accrete
