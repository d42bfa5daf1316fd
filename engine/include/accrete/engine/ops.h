// SPDX-License-Identifier: Apache-2.0
// Adding operations to a graph. Each function appends one node named `name` and returns its
// (first) output; shapes that do not fit throw Error(invalid_argument) naming op and shapes.
// Formulas and conventions are those of the kernel headers.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/graph.h"
#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/problem.h"

namespace accrete::ops {

struct ConvAttributes {
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_h = 0, pad_w = 0;
};

/// x [N,H,W,C], weight [K,R,S,C], bias [1,1,1,K] or kNoValue -> [N,P,Q,K].
ValueId conv2d(Graph& graph, const std::string& name, ValueId x, ValueId weight, ValueId bias,
               const ConvAttributes& attributes);

struct BatchNormParameters {
  ValueId gamma = kNoValue, beta = kNoValue;  // [1,1,1,C]
  ValueId running_mean = kNoValue, running_var = kNoValue;
};
/// Batch statistics; updates the running ones when it runs.
ValueId batch_norm_training(Graph& graph, const std::string& name, ValueId x,
                            const BatchNormParameters& parameters,
                            const kernels::BatchNormOptions& options);
/// Running statistics, which stay as they are. In a graph for training they are constants (frozen):
/// gamma and beta learn, and the gradient of x is that of a scale and a shift.
ValueId batch_norm_inference(Graph& graph, const std::string& name, ValueId x,
                             const BatchNormParameters& parameters,
                             const kernels::BatchNormOptions& options);

ValueId relu(Graph& graph, const std::string& name, ValueId x);
ValueId add(Graph& graph, const std::string& name, ValueId a, ValueId b);

struct PoolAttributes {
  std::int64_t window = 2;
  std::int64_t stride = 2;
  std::int64_t pad = 0;
  bool count_padding = false;
};
ValueId max_pool(Graph& graph, const std::string& name, ValueId x,
                 const PoolAttributes& attributes);
ValueId average_pool(Graph& graph, const std::string& name, ValueId x,
                     const PoolAttributes& attributes);
/// [N,H,W,C] -> [N,1,1,C].
ValueId global_average_pool(Graph& graph, const std::string& name, ValueId x);

/// x [N,1,1,C], weight [K,1,1,C], bias [1,1,1,K] or kNoValue -> [N,1,1,K].
ValueId linear(Graph& graph, const std::string& name, ValueId x, ValueId weight, ValueId bias);

/// Channels of all parts side by side. With the placement pass this is no work at all.
ValueId concat(Graph& graph, const std::string& name, const std::vector<ValueId>& parts);
/// Channels [offset, offset + count).
ValueId channel_slice(Graph& graph, const std::string& name, ValueId x, std::int64_t offset,
                      std::int64_t count);

/// Of f32. In backward passes: a gradient that is known to be zero.
ValueId zeros(Graph& graph, const std::string& name, const Shape& shape);

/// 0 <= rate < 1. `layer` separates the random streams of different layers.
ValueId dropout(Graph& graph, const std::string& name, ValueId x, float rate, std::uint64_t layer);

struct Loss {
  ValueId loss = kNoValue;           // [1,1,1,1] mean over the batch
  ValueId correct = kNoValue;        // [1,1,1,1] count of correct predictions
  ValueId probabilities = kNoValue;  // [N,1,1,C]
};
/// logits [N,1,1,C], labels [N,1,1,1] i32.
Loss softmax_cross_entropy(Graph& graph, const std::string& name, ValueId logits, ValueId labels);

}  // namespace accrete::ops
