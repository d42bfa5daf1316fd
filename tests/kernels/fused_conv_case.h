// SPDX-License-Identifier: Apache-2.0
// One fused convolution with its data, its double-precision results and the calls under test, with
// every part present and absent.
#pragma once

#include <algorithm>
#include <vector>

#include "accrete/kernels/fused_conv.h"
#include "kernels/norm_relu_case.h"
#include "reference/batch_norm.h"
#include "reference/conv.h"

namespace accrete::test {

struct FusedConvCase {
  explicit FusedConvCase(const ConvProblem& problem_in)
      : problem(problem_in),
        x(integers(problem.x_shape().elements(), 1, 3)),
        weight(integers(problem.weight_shape().elements(), 2, 2)),
        bias(integers(problem.K, 3, 5)),
        grad_weight_before(integers(problem.weight_shape().elements(), 4, 5)),
        norm(problem.C),
        grad_y(problem.y_shape()),
        before(problem.x_shape()) {}

  /// x as the convolution sees it.
  std::vector<double> read(bool with_norm) const {
    return with_norm ? reference::norm_relu(norm.reference(), widened(x)) : widened(x);
  }

  ConvProblem problem;
  std::vector<float> x, weight, bias, grad_weight_before;
  NormData norm;
  DeferredData grad_y;
  GradientBefore before;
};

inline constexpr GradMode kGradModes[] = {GradMode::overwrite, GradMode::accumulate};

/// y and its statistics, for all combinations of norm and of bias with statistics.
inline void append_forward(const FusedConvCase& data, const Run& run, Outputs& outputs) {
  const NormTensors norm(data.norm);
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x, run.dtype);
  const GuardedTensor weight = filled(data.problem.weight_shape(), {}, data.weight, run.dtype);
  const GuardedTensor bias = filled(channel_vector(data.problem.K), {}, data.bias);
  for (const bool with_norm : {false, true}) {
    for (const bool all : {false, true}) {
      GuardedTensor y = poisoned(data.problem.y_shape(), run.out, run.dtype);
      StatisticsTensors statistics(data.problem.K);
      Scratch scratch(
          kernels::fused_conv_forward_workspace_bytes(data.problem, test_device(), run.dtype));
      kernels::fused_conv_forward(
          run.stream, data.problem, x.view(), with_norm ? norm.view() : kernels::NormRelu(),
          weight.view(), all ? bias.view() : ConstTensorView(), y.view(),
          all ? statistics.view() : kernels::StatisticsOutput(), scratch.workspace());
      REQUIRE(scratch.intact());
      require_undamaged({&x, &weight, &bias, &y});
      outputs.push_back(y.values());
      if (all) {
        statistics.append_to(outputs);
      }
    }
  }
}

inline void expect_forward(const FusedConvCase& data, std::vector<Expected>& expected,
                           DType dtype = DType::f32) {
  for (const bool with_norm : {false, true}) {
    for (const bool all : {false, true}) {
      const auto y = as_stored(
          reference::conv_forward(data.problem, data.read(with_norm), widened(data.weight),
                                  all ? widened(data.bias) : std::vector<double>()),
          dtype);
      expected.push_back({y, {}});
      if (all) {
        const auto s = reference::batch_statistics(data.problem.y_shape(), y, 1e-5);
        expected.push_back({s.mean, {1e-5, 1e-6}});
        expected.push_back({s.variance, {1e-5, 5e-6}});
        expected.push_back({s.inv_std, {1e-6, 5e-6}});
      }
    }
  }
}

/// The gradient of the data for all combinations of norm with statistics of the batch, none and
/// constant ones, deferred gradient and mode.
inline void append_dgrad(const FusedConvCase& data, const Run& run, Outputs& outputs) {
  const NormTensors norm(data.norm);
  const DeferredTensors grad_y(data.grad_y, run.in, run.out, run.dtype);
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x, run.dtype);
  const GuardedTensor weight = filled(data.problem.weight_shape(), {}, data.weight, run.dtype);
  const std::size_t bytes =
      kernels::fused_conv_dgrad_workspace_bytes(data.problem, test_device(), run.dtype);
  for (const bool due : {false, true}) {
    for (const GradMode mode : kGradModes) {
      Scratch scratch(bytes);
      GradientTensors out(data.problem.x_shape(), run.out, mode, data.before, run.dtype);
      kernels::fused_conv_dgrad(run.stream, data.problem, grad_y.view(due), weight.view(), x.view(),
                                norm.view(), out.view(), scratch.workspace());
      out.append_to(outputs);
      REQUIRE(scratch.intact());

      Scratch plain_scratch(bytes);
      GradientTensors plain(data.problem.x_shape(), run.out, mode, data.before, run.dtype);
      kernels::NormReluGradient only_g;
      only_g.g = plain.view().g;
      only_g.mode = mode;
      kernels::fused_conv_dgrad(run.stream, data.problem, grad_y.view(due), weight.view(), {}, {},
                                only_g, plain_scratch.workspace());
      outputs.push_back(plain.g());
      REQUIRE(plain_scratch.intact());

      Scratch constant_scratch(bytes);
      GradientTensors constant(data.problem.x_shape(), run.out, mode, data.before, run.dtype,
                               Statistics::constant);
      kernels::fused_conv_dgrad(run.stream, data.problem, grad_y.view(due), weight.view(), x.view(),
                                norm.view(), constant.view(), constant_scratch.workspace());
      constant.append_to(outputs);
      REQUIRE(constant_scratch.intact());
    }
  }
  require_undamaged({&x, &weight});
  grad_y.require_undamaged();
}

inline void expect_dgrad(const FusedConvCase& data, std::vector<Expected>& expected,
                         DType dtype = DType::f32) {
  for (const bool due : {false, true}) {
    const auto gradient =
        reference::conv_dgrad(data.problem, data.grad_y.gradient(due), widened(data.weight));
    const auto of_x =
        reference::norm_relu_gradient(data.norm.reference(), widened(data.x), gradient);
    for (const GradMode mode : kGradModes) {
      expect_gradient(of_x, mode, data.before, {}, expected, dtype);
      expected.push_back(
          {as_stored(mode == GradMode::accumulate ? plus(gradient, data.before.g) : gradient,
                     dtype),
           {}});
      expect_gradient(of_x, mode, data.before, {}, expected, dtype, Statistics::constant);
    }
  }
}

/// The gradient of the weights for all combinations of norm, deferred gradient and mode.
inline void append_wgrad(const FusedConvCase& data, const Run& run, Outputs& outputs) {
  const NormTensors norm(data.norm);
  const DeferredTensors grad_y(data.grad_y, run.out, run.in, run.dtype);
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x, run.dtype);
  const Shape shape = data.problem.weight_shape();
  for (const bool with_norm : {false, true}) {
    for (const bool due : {false, true}) {
      const GradMode mode = with_norm == due ? GradMode::overwrite : GradMode::accumulate;
      GuardedTensor grad_weight = mode == GradMode::accumulate
                                      ? filled(shape, {}, data.grad_weight_before)
                                      : poisoned(shape, {});
      Scratch scratch(
          kernels::fused_conv_wgrad_workspace_bytes(data.problem, test_device(), run.dtype));
      kernels::fused_conv_wgrad(run.stream, data.problem, x.view(),
                                with_norm ? norm.view() : kernels::NormRelu(), grad_y.view(due),
                                grad_weight.view(), mode, scratch.workspace());
      REQUIRE(scratch.intact());
      require_undamaged({&x, &grad_weight});
      grad_y.require_undamaged();
      outputs.push_back(grad_weight.values());
    }
  }
}

inline void expect_wgrad(const FusedConvCase& data, std::vector<Expected>& expected) {
  for (const bool with_norm : {false, true}) {
    for (const bool due : {false, true}) {
      const auto gradient =
          reference::conv_wgrad(data.problem, data.read(with_norm), data.grad_y.gradient(due));
      expected.push_back(
          {with_norm == due ? gradient : plus(gradient, data.grad_weight_before), {}});
    }
  }
}

/// Which parts and modes a call for both gradients has.
struct BackwardParts {
  bool norm, due;
  GradMode data_mode, weight_mode;
};

inline std::vector<BackwardParts> all_backward_parts() {
  std::vector<BackwardParts> all;
  for (const bool norm : {false, true}) {
    for (const bool due : {false, true}) {
      for (const GradMode mode : kGradModes) {
        all.push_back({norm, due, mode, kGradModes[norm == due ? 0 : 1]});
      }
    }
  }
  return all;
}

/// What goes into both gradients and where they go.
class BackwardTensors {
 public:
  BackwardTensors(const FusedConvCase& data, const Run& run, const BackwardParts& parts)
      : parts_(parts),
        norm_(data.norm),
        grad_y_(data.grad_y, run.in, run.out, run.dtype),
        x_(filled(data.problem.x_shape(), run.in, data.x, run.dtype)),
        weight_(filled(data.problem.weight_shape(), {}, data.weight, run.dtype)),
        out_(data.problem.x_shape(), run.out, parts.data_mode, data.before, run.dtype),
        grad_weight_(parts.weight_mode == GradMode::accumulate
                         ? filled(data.problem.weight_shape(), {}, data.grad_weight_before)
                         : poisoned(data.problem.weight_shape(), {})) {}

  ConstTensorView x() const { return x_.view(); }
  ConstTensorView weight() const { return weight_.view(); }
  kernels::NormRelu norm() const { return parts_.norm ? norm_.view() : kernels::NormRelu(); }
  kernels::DeferredGradient grad_y() const { return grad_y_.view(parts_.due); }
  TensorView grad_weight() { return grad_weight_.view(); }
  kernels::NormReluGradient out() {
    kernels::NormReluGradient out = out_.view();
    if (!parts_.norm) {
      out.a = out.b = out.grad_gamma = out.grad_beta = {};
    }
    return out;
  }
  void append_to(Outputs& outputs) const {
    require_undamaged({&x_, &weight_, &grad_weight_});
    grad_y_.require_undamaged();
    if (parts_.norm) {
      out_.append_to(outputs);
    } else {
      outputs.push_back(out_.g());
    }
    outputs.push_back(grad_weight_.values());
  }

 private:
  BackwardParts parts_;
  NormTensors norm_;
  DeferredTensors grad_y_;
  GuardedTensor x_, weight_;
  GradientTensors out_;
  GuardedTensor grad_weight_;
};

/// Both gradients by one call.
inline void append_backward(const FusedConvCase& data, const Run& run, const BackwardParts& parts,
                            Outputs& outputs) {
  BackwardTensors tensors(data, run, parts);
  Scratch scratch(
      kernels::fused_conv_backward_workspace_bytes(data.problem, test_device(), run.dtype));
  kernels::fused_conv_backward(run.stream, data.problem, tensors.x(), tensors.norm(),
                               tensors.weight(), tensors.grad_y(), tensors.out(),
                               tensors.grad_weight(), parts.weight_mode, scratch.workspace());
  REQUIRE(scratch.intact());
  tensors.append_to(outputs);
}

/// Both gradients by two calls.
inline void append_separate_gradients(const FusedConvCase& data, const Run& run,
                                      const BackwardParts& parts, Outputs& outputs) {
  BackwardTensors tensors(data, run, parts);
  Scratch scratch(
      std::max(kernels::fused_conv_dgrad_workspace_bytes(data.problem, test_device(), run.dtype),
               kernels::fused_conv_wgrad_workspace_bytes(data.problem, test_device(), run.dtype)));
  kernels::fused_conv_wgrad(run.stream, data.problem, tensors.x(), tensors.norm(), tensors.grad_y(),
                            tensors.grad_weight(), parts.weight_mode, scratch.workspace());
  kernels::fused_conv_dgrad(run.stream, data.problem, tensors.grad_y(), tensors.weight(),
                            parts.norm ? tensors.x() : ConstTensorView(), tensors.norm(),
                            tensors.out(), scratch.workspace());
  tensors.append_to(outputs);
}

inline void expect_backward(const FusedConvCase& data, const BackwardParts& parts,
                            std::vector<Expected>& expected, DType dtype = DType::f32) {
  const auto grad_y = data.grad_y.gradient(parts.due);
  const auto gradient = reference::conv_dgrad(data.problem, grad_y, widened(data.weight));
  const bool accumulate = parts.data_mode == GradMode::accumulate;
  if (parts.norm) {
    expect_gradient(reference::norm_relu_gradient(data.norm.reference(), widened(data.x), gradient),
                    parts.data_mode, data.before, {}, expected, dtype);
  } else {
    expected.push_back(
        {as_stored(accumulate ? plus(gradient, data.before.g) : gradient, dtype), {}});
  }
  const auto of_weight = reference::conv_wgrad(data.problem, data.read(parts.norm), grad_y);
  expected.push_back({parts.weight_mode == GradMode::accumulate
                          ? plus(of_weight, data.grad_weight_before)
                          : of_weight,
                      {}});
}

}  // namespace accrete::test
