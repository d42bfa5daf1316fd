// SPDX-License-Identifier: Apache-2.0
// One convolution with its data, its double-precision results and the calls under test, with every
// optional part present and absent.
#pragma once

#include <vector>

#include "accrete/kernels/conv.h"
#include "kernels/norm_relu_case.h"
#include "reference/batch_norm.h"
#include "reference/operations.h"

namespace accrete::test {

/// Whole numbers, whose sums are exact in any order, or uniform in [-1, 1).
enum class Numbers : std::uint8_t { whole, fractions };

struct ConvCase {
  explicit ConvCase(const ConvProblem& problem_in, Numbers numbers_in = Numbers::whole)
      : problem(problem_in),
        numbers(numbers_in),
        x(integers(problem.x_shape().elements(), 1, 3)),
        weight(integers(problem.weight_shape().elements(), 2, 2)),
        bias(integers(problem.K, 3, 5)),
        grad_weight_before(integers(problem.weight_shape().elements(), 4, 5)),
        norm(problem.C),
        grad_y(problem.y_shape()),
        before(problem.x_shape()) {
    std::uint64_t seed = 1;
    for (std::vector<float>* values :
         {&x, &weight, &bias, &grad_weight_before, &grad_y.g, &before.g}) {
      if (numbers == Numbers::fractions) {
        *values = uniform(static_cast<std::int64_t>(values->size()), seed++);
      }
    }
  }

  /// x as the convolution sees it.
  std::vector<double> read(bool with_norm) const {
    return with_norm ? reference::norm_relu(norm.reference(), widened(x)) : widened(x);
  }
  /// Of sums of so many products.
  Tolerance tolerance(std::int64_t terms) const {
    return numbers == Numbers::whole ? Tolerance{} : sum_tolerance(static_cast<double>(terms + 1));
  }

  ConvProblem problem;
  Numbers numbers;
  std::vector<float> x, weight, bias, grad_weight_before;
  NormData norm;
  DeferredData grad_y;
  GradientBefore before;
};

struct ForwardParts {
  bool norm = false, bias = false, statistics = false;
};

/// y, and its statistics if they are wanted.
inline Outputs run_forward(const ConvCase& data, const Run& run, const ForwardParts& parts) {
  const ConvProblem& p = data.problem;
  const NormTensors norm(data.norm);
  const GuardedTensor x = filled(p.x_shape(), run.in, data.x, run.dtype);
  const GuardedTensor weight = filled(p.weight_shape(), {}, data.weight, run.dtype);
  const GuardedTensor bias = NormTensors::vector(data.bias);
  GuardedTensor y = poisoned(p.y_shape(), run.out, run.dtype);
  StatisticsTensors statistics(p.K);
  run_call(run.stream, kernels::ConvForward{.problem = p,
                                            .x = x.view(),
                                            .norm = norm.view_if(parts.norm),
                                            .weight = weight.view(),
                                            .bias = parts.bias ? bias.view() : ConstTensorView(),
                                            .y = y.view(),
                                            .statistics = statistics.view_if(parts.statistics)});
  require_undamaged({&x, &weight, &bias, &y});
  Outputs outputs = {y.values()};
  if (parts.statistics) {
    statistics.append_to(outputs);
  }
  return outputs;
}

inline std::vector<Expected> expected_forward(const ConvCase& data, const ForwardParts& parts,
                                              DType dtype = DType::f32) {
  const ConvProblem& p = data.problem;
  const auto bias = parts.bias ? widened(data.bias) : std::vector<double>();
  const auto y = as_stored(
      reference::conv_forward(p, data.read(parts.norm), widened(data.weight), bias), dtype);
  std::vector<Expected> expected = {{y, data.tolerance(p.R * p.S * p.C)}};
  if (parts.statistics) {
    const auto s = reference::batch_statistics(p.y_shape(), y, 1e-5);
    append(expected,
           {{s.mean, {1e-5, 1e-6}}, {s.variance, {1e-5, 5e-6}}, {s.inv_std, {1e-6, 5e-6}}});
  }
  return expected;
}

/// Of the calls for gradients, one or both.
struct BackwardParts {
  Through through = Through::nothing;
  bool due = false;  ///< something, on the gradient of y
  GradMode data_mode = GradMode::overwrite, weight_mode = GradMode::overwrite;
};

/// What goes into both gradients and where they go.
class BackwardTensors {
 public:
  BackwardTensors(const ConvCase& data, const Run& run, const BackwardParts& parts,
                  Layout of_grad_y, Layout of_y)
      : problem_(data.problem),
        parts_(parts),
        norm_(data.norm),
        grad_y_(data.grad_y, of_grad_y, of_y, run.dtype),
        x_(filled(problem_.x_shape(), run.in, data.x, run.dtype)),
        weight_(filled(problem_.weight_shape(), {}, data.weight, run.dtype)),
        grad_x_(problem_.x_shape(), run.out, {parts.through, parts.data_mode}, data.before,
                run.dtype),
        grad_weight_(gradient_target(problem_.weight_shape(), {}, parts.weight_mode,
                                     data.grad_weight_before)) {}

  kernels::ConvBackward both() {
    return {problem_,
            x_.view(),
            norm_.view_if(parts_.through != Through::nothing),
            weight_.view(),
            grad_y_.view(parts_.due),
            grad_x_.view(),
            grad_weight_.view(),
            parts_.weight_mode};
  }
  kernels::ConvDgrad dgrad() {
    const kernels::ConvBackward b = both();
    return {b.problem, b.grad_y, b.weight, b.norm ? b.x : ConstTensorView(), b.norm, b.grad_x};
  }
  kernels::ConvWgrad wgrad() {
    const kernels::ConvBackward b = both();
    return {b.problem, b.x, b.norm, b.grad_y, b.grad_weight, b.weight_mode};
  }

  Outputs of_data() const {
    require_undamaged({&x_, &weight_});
    grad_y_.require_undamaged();
    return grad_x_.outputs();
  }
  Outputs of_weight() const {
    require_undamaged({&x_, &grad_weight_});
    grad_y_.require_undamaged();
    return {grad_weight_.values()};
  }
  Outputs of_both() const {
    Outputs outputs = of_data();
    append(outputs, of_weight());
    return outputs;
  }

 private:
  ConvProblem problem_;
  BackwardParts parts_;
  NormTensors norm_;
  DeferredTensors grad_y_;
  GuardedTensor x_, weight_;
  GradientTensors grad_x_;
  GuardedTensor grad_weight_;
};

inline Outputs run_dgrad(const ConvCase& data, const Run& run, const BackwardParts& parts) {
  BackwardTensors tensors(data, run, parts, run.in, run.out);
  run_call(run.stream, tensors.dgrad());
  return tensors.of_data();
}
inline Outputs run_wgrad(const ConvCase& data, const Run& run, const BackwardParts& parts) {
  BackwardTensors tensors(data, run, parts, run.out, run.in);
  run_call(run.stream, tensors.wgrad());
  return tensors.of_weight();
}
/// Both gradients by one call.
inline Outputs run_backward(const ConvCase& data, const Run& run, const BackwardParts& parts) {
  BackwardTensors tensors(data, run, parts, run.in, run.out);
  run_call(run.stream, tensors.both());
  return tensors.of_both();
}
/// Both gradients by two calls.
inline Outputs run_separately(const ConvCase& data, const Run& run, const BackwardParts& parts) {
  BackwardTensors tensors(data, run, parts, run.in, run.out);
  run_call(run.stream, tensors.wgrad());
  run_call(run.stream, tensors.dgrad());
  return tensors.of_both();
}

inline std::vector<Expected> expected_dgrad(const ConvCase& data, const BackwardParts& parts,
                                            DType dtype = DType::f32) {
  const ConvProblem& p = data.problem;
  return expected_gradient(
      data.x, data.norm,
      reference::conv_dgrad(p, data.grad_y.gradient(parts.due), widened(data.weight)),
      {parts.through, parts.data_mode}, data.before, data.tolerance(p.R * p.S * p.K), {1e-6, 1e-6},
      dtype);
}
/// f32 whatever the tensors are.
inline std::vector<Expected> expected_wgrad(const ConvCase& data, const BackwardParts& parts) {
  const ConvProblem& p = data.problem;
  const auto gradient = reference::conv_wgrad(p, data.read(parts.through != Through::nothing),
                                              data.grad_y.gradient(parts.due));
  return {{in_mode(parts.weight_mode, gradient, data.grad_weight_before),
           data.tolerance(p.y_shape().pixels())}};
}
inline std::vector<Expected> expected_backward(const ConvCase& data, const BackwardParts& parts,
                                               DType dtype = DType::f32) {
  std::vector<Expected> expected = expected_dgrad(data, parts, dtype);
  append(expected, expected_wgrad(data, parts));
  return expected;
}

/// All combinations of norm and of bias with statistics.
inline std::vector<ForwardParts> all_forward_parts() {
  return {{}, {false, true, true}, {true, false, false}, {true, true, true}};
}
/// All combinations of what lies before x, what is due, and mode of the data's gradient.
inline std::vector<BackwardParts> all_dgrad_parts() {
  std::vector<BackwardParts> all;
  for (const bool due : {false, true}) {
    for (const GradientKind& kind : all_gradient_kinds()) {
      all.push_back({kind.through, due, kind.mode});
    }
  }
  return all;
}
/// All combinations of norm and what is due.
inline std::vector<BackwardParts> all_wgrad_parts() {
  std::vector<BackwardParts> all;
  for (const Through through : {Through::nothing, Through::batch_norm}) {
    for (const bool due : {false, true}) {
      const bool first = (through == Through::batch_norm) == due;
      all.push_back({through, due, GradMode::overwrite, kGradModes[first ? 0 : 1]});
    }
  }
  return all;
}
/// The same, and the mode of the data's gradient.
inline std::vector<BackwardParts> all_backward_parts() {
  std::vector<BackwardParts> all;
  for (BackwardParts parts : all_wgrad_parts()) {
    for (const GradMode mode : kGradModes) {
      parts.data_mode = mode;
      all.push_back(parts);
    }
  }
  return all;
}

/// The results of run(parts) for all parts, one behind the other.
template <class Parts, class RunParts>
auto of_all(const std::vector<Parts>& all, const RunParts& run) {
  decltype(run(all.front())) results;
  for (const Parts& parts : all) {
    append(results, run(parts));
  }
  return results;
}
inline Outputs forward_outputs(const ConvCase& data, const Run& run) {
  return of_all(all_forward_parts(),
                [&](const auto& parts) { return run_forward(data, run, parts); });
}
inline std::vector<Expected> expected_forwards(const ConvCase& data, DType dtype = DType::f32) {
  return of_all(all_forward_parts(),
                [&](const auto& p) { return expected_forward(data, p, dtype); });
}
inline Outputs dgrad_outputs(const ConvCase& data, const Run& run) {
  return of_all(all_dgrad_parts(), [&](const auto& parts) { return run_dgrad(data, run, parts); });
}
inline std::vector<Expected> expected_dgrads(const ConvCase& data, DType dtype = DType::f32) {
  return of_all(all_dgrad_parts(), [&](const auto& p) { return expected_dgrad(data, p, dtype); });
}
inline Outputs wgrad_outputs(const ConvCase& data, const Run& run) {
  return of_all(all_wgrad_parts(), [&](const auto& parts) { return run_wgrad(data, run, parts); });
}
inline std::vector<Expected> expected_wgrads(const ConvCase& data) {
  return of_all(all_wgrad_parts(), [&](const auto& parts) { return expected_wgrad(data, parts); });
}

/// Without any part: forward without and with bias, both gradients overwritten and accumulated.
inline std::vector<BackwardParts> plain_backward_parts() {
  return {{}, {Through::nothing, false, GradMode::accumulate, GradMode::accumulate}};
}
inline Outputs plain_outputs(const ConvCase& data, const Run& run) {
  const auto all = plain_backward_parts();
  Outputs outputs = run_forward(data, run, {});
  append(outputs, run_forward(data, run, {.bias = true}));
  append(outputs, of_all(all, [&](const auto& parts) { return run_dgrad(data, run, parts); }));
  append(outputs, of_all(all, [&](const auto& parts) { return run_wgrad(data, run, parts); }));
  return outputs;
}
inline std::vector<Expected> expected_plain(const ConvCase& data, DType dtype = DType::f32) {
  const auto all = plain_backward_parts();
  std::vector<Expected> expected = expected_forward(data, {}, dtype);
  append(expected, expected_forward(data, {.bias = true}, dtype));
  append(expected, of_all(all, [&](const auto& p) { return expected_dgrad(data, p, dtype); }));
  append(expected, of_all(all, [&](const auto& parts) { return expected_wgrad(data, parts); }));
  return expected;
}

}  // namespace accrete::test
