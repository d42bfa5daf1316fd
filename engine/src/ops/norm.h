// SPDX-License-Identifier: Apache-2.0
// Batch norm taken apart (kernels/norm_relu.h): the parts of it that other ops have, as arguments
// of their kernels and in their shape and backward rules, and the nodes of what is left of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accrete/engine/autograd.h"
#include "accrete/engine/op.h"
#include "accrete/kernels/batch_norm.h"

namespace accrete {

// Parts, each empty unless the node has its slots.

/// What x is read through: mean, inv_std, gamma, beta.
kernels::NormRelu norm_of_x(const Tensors& tensors);
/// y_mean, y_variance, y_inv_std.
kernels::StatisticsOutput statistics_of_y(const Tensors& tensors);
/// grad_y and what is owed to it.
kernels::DeferredGradient gradient_of_y(const Tensors& tensors);
/// grad_x, grad_x_a, grad_x_b, grad_gamma, grad_beta.
kernels::NormReluGradient gradient_of_x(const Tensors& tensors);

/// Error(invalid_argument) unless the vectors of a norm, where there is one, fit x.
void check_norm(const Tensors& tensors);
/// Plans y as told, and the statistics of y.
void plan_y(Tensors& tensors, const Shape& y);
/// Plans what gradient_of_x() has, for x of this shape.
void plan_gradient_of_x(Tensors& tensors, const Shape& x);

/// Adds the node of `op` that computes the gradient of x, and with a norm those of gamma and beta;
/// `inputs` are the gradient of y and what else `op` needs besides x and its norm. The gradient of
/// x is deferred if the statistics of its norm are its own; those that are states are constants.
void contribute_to_x(BackwardContext& context, std::shared_ptr<const Op> op, Operands inputs);

// Nodes.

/// NormRelu of x with mean, inv_std, gamma and beta.
ValueId add_norm_relu(Graph& graph, const std::string& name, const Operands& inputs);
/// A batch norm with given statistics that has a gradient of its own. Inputs as above.
ValueId add_batch_norm_normalise(Graph& graph, const std::string& name, const Operands& inputs,
                                 bool relu);
/// mean, variance, inv_std of x, in a pass over x. No gradient passes through: the ops that use the
/// statistics account for it.
Operands add_statistics(Graph& graph, const std::string& name, ValueId x, float epsilon);
/// 1 / sqrt(variance + epsilon), for batch norm with running statistics.
Node inverse_deviation(const std::string& name, ValueId variance, float epsilon);
/// The gradient of y with what is owed to it applied, for ops that cannot do so to what they load.
ValueId add_applied_gradient(Graph& graph, ValueId y, const Gradient& gradient);
/// All running averages by one node without outputs. `inputs` has for each update the slots mean,
/// variance, running_mean and running_var; the updates say all else.
void add_running_statistics(Graph& graph, const std::string& name, const Operands& inputs,
                            const std::vector<kernels::RunningStatistics>& updates);

}  // namespace accrete
