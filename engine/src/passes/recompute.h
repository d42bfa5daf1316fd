// SPDX-License-Identifier: Apache-2.0
// Trading time for memory: forward values that the backward pass reads are computed again there
// instead of being kept.
#pragma once

#include "passes/differentiated_model.h"

namespace accrete {

/// Rewrites a graph whose nodes from `first_backward` on are the backward pass. Level 1 drops the
/// outputs of 1x1 convolutions that read through NormRelu (bottlenecks) and computes each again in
/// front of its first backward reader; level 2 also drops all feature buffers, and computes one
/// again as a whole when the backward pass enters its block. Statistics are kept, random numbers
/// are functions of the step: the same bits come out.
DifferentiatedModel recompute(const DifferentiatedModel& from, NodeId first_backward, int level);

}  // namespace accrete
