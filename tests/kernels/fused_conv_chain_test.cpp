// SPDX-License-Identifier: Apache-2.0
// A convolution whose output t is normalised by two readers with gammas of their own: statistics
// taken once, two gradients added up, and the rest of batch norm paid where t's convolution loads
// its gradient. Against the same net of plain kernels, and against finite differences.
#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/conv.h"
#include "kernels/fused_conv_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

const ConvProblem kWriter = {2, 6, 5, 5, 12, 3, 3, 1, 1, 1, 1};
const ConvProblem kReaders[] = {{2, 6, 5, 12, 20, 1, 1, 1, 1, 0, 0},
                                {2, 6, 5, 12, 7, 3, 3, 2, 2, 1, 1}};

struct Chain {
  std::vector<float> x = uniform(kWriter.x_shape().elements(), 1);
  std::vector<float> weight = uniform(kWriter.weight_shape().elements(), 2);
  std::vector<float> weights[2], gamma[2], beta[2], grad_y[2];

  Chain() {
    for (std::size_t l = 0; l < 2; ++l) {
      const ConvProblem& reader = kReaders[l];
      weights[l] = uniform(reader.weight_shape().elements(), 3 + 10 * l);
      gamma[l] = uniform(reader.C, 4 + 10 * l, 0.5F, 1.5F);
      beta[l] = uniform(reader.C, 5 + 10 * l, -0.3F, 0.3F);
      grad_y[l] = uniform(reader.y_shape().elements(), 6 + 10 * l);
    }
  }
};

// The loss sum(grad_y * y) over both readers, as a function of the writer's data and weights.
double reference_loss(const Chain& chain, const std::vector<double>& x,
                      const std::vector<double>& weight) {
  const auto t = reference::conv_forward(kWriter, x, weight, {});
  double loss = 0.0;
  for (std::size_t l = 0; l < 2; ++l) {
    const auto z = reference::batch_norm_training(
        kWriter.y_shape(), {widened(chain.gamma[l]), widened(chain.beta[l]), 1e-5, true}, t);
    const auto y = reference::conv_forward(kReaders[l], z, widened(chain.weights[l]), {});
    for (std::size_t i = 0; i < y.size(); ++i) {
      loss += y[i] * static_cast<double>(chain.grad_y[l][i]);
    }
  }
  return loss;
}

// Its slope by every element of `values`, which is x or weight.
std::vector<double> slopes(const Chain& chain, std::vector<double>& x, std::vector<double>& weight,
                           std::vector<double>& values) {
  constexpr double kStep = 1e-5;
  std::vector<double> result;
  for (double& value : values) {
    const double middle = value;
    value = middle + kStep;
    const double above = reference_loss(chain, x, weight);
    value = middle - kStep;
    const double below = reference_loss(chain, x, weight);
    value = middle;
    result.push_back((above - below) / (2.0 * kStep));
  }
  return result;
}

// y of both readers, then per reader grad_gamma, grad_beta and the gradient of its weights, then
// the gradients of the writer's x and weight.
Outputs run_fused(const Chain& chain, const Run& run) {
  const Shape t_shape = kWriter.y_shape();
  const GuardedTensor x = filled(kWriter.x_shape(), run.in, chain.x);
  const GuardedTensor weight = NormTensors::packed(kWriter.weight_shape(), chain.weight);
  GuardedTensor t = poisoned(t_shape, run.out);
  StatisticsTensors statistics(kWriter.K);
  const auto stats = statistics.view();
  Scratch scratch(1 << 22);
  const Workspace ws = scratch.workspace();
  kernels::fused_conv_forward(run.stream, kWriter, x.view(), {}, weight.view(), {}, t.view(), stats,
                              ws);
  GuardedTensor g = poisoned(t_shape, run.in);
  GuardedTensor a = poisoned(channel_vector(kWriter.K), {});
  GuardedTensor b = poisoned(channel_vector(kWriter.K), {});
  Outputs outputs;
  Outputs gradients;
  for (std::size_t l = 0; l < 2; ++l) {
    const ConvProblem& reader = kReaders[l];
    const GuardedTensor gamma = NormTensors::vector(chain.gamma[l]);
    const GuardedTensor beta = NormTensors::vector(chain.beta[l]);
    const GuardedTensor weights = NormTensors::packed(reader.weight_shape(), chain.weights[l]);
    const kernels::NormRelu norm = {stats.mean, stats.inv_std, gamma.view(), beta.view()};
    GuardedTensor y = poisoned(reader.y_shape(), run.out);
    kernels::fused_conv_forward(run.stream, reader, t.view(), norm, weights.view(), {}, y.view(),
                                {}, ws);
    outputs.push_back(y.values());
    const GuardedTensor dy = filled(reader.y_shape(), run.in, chain.grad_y[l]);
    kernels::DeferredGradient grad_y;
    grad_y.g = dy.view();
    GuardedTensor grad_gamma = poisoned(channel_vector(reader.C), {});
    GuardedTensor grad_beta = poisoned(channel_vector(reader.C), {});
    GuardedTensor grad_weights = poisoned(reader.weight_shape(), {});
    kernels::fused_conv_dgrad(run.stream, reader, grad_y, weights.view(), t.view(), norm,
                              {g.view(), a.view(), b.view(), grad_gamma.view(), grad_beta.view(),
                               l == 0 ? GradMode::overwrite : GradMode::accumulate},
                              ws);
    kernels::fused_conv_wgrad(run.stream, reader, t.view(), norm, grad_y, grad_weights.view(),
                              GradMode::overwrite, ws);
    gradients.insert(gradients.end(),
                     {grad_gamma.values(), grad_beta.values(), grad_weights.values()});
  }
  const kernels::DeferredGradient grad_t = {g.view(),      t.view(), stats.mean,
                                            stats.inv_std, a.view(), b.view()};
  GuardedTensor grad_x = poisoned(kWriter.x_shape(), run.out);
  GuardedTensor grad_weight = poisoned(kWriter.weight_shape(), {});
  kernels::NormReluGradient out;
  out.g = grad_x.view();
  kernels::fused_conv_dgrad(run.stream, kWriter, grad_t, weight.view(), {}, {}, out, ws);
  kernels::fused_conv_wgrad(run.stream, kWriter, x.view(), {}, grad_t, grad_weight.view(),
                            GradMode::overwrite, ws);
  gradients.insert(gradients.end(), {grad_x.values(), grad_weight.values()});
  outputs.insert(outputs.end(), gradients.begin(), gradients.end());
  return outputs;
}

// The same from convolutions and batch norms that make passes of their own.
Outputs run_plain(const Chain& chain, const Run& run) {
  const Shape t_shape = kWriter.y_shape();
  const GuardedTensor x = filled(kWriter.x_shape(), run.in, chain.x);
  const GuardedTensor weight = NormTensors::packed(kWriter.weight_shape(), chain.weight);
  GuardedTensor t = poisoned(t_shape, run.out);
  GuardedTensor grad_t = poisoned(t_shape, run.in);
  Scratch scratch(1 << 22);
  const Workspace ws = scratch.workspace();
  kernels::conv_forward(run.stream, kWriter, x.view(), weight.view(), {}, t.view(), ws);
  kernels::BatchNormOptions options;
  options.relu = true;
  Outputs outputs;
  Outputs gradients;
  for (std::size_t l = 0; l < 2; ++l) {
    const ConvProblem& reader = kReaders[l];
    const Shape vector = channel_vector(reader.C);
    const GuardedTensor gamma = NormTensors::vector(chain.gamma[l]);
    const GuardedTensor beta = NormTensors::vector(chain.beta[l]);
    const GuardedTensor weights = NormTensors::packed(reader.weight_shape(), chain.weights[l]);
    GuardedTensor running_mean(vector), running_var(vector), mean(vector), inv_std(vector);
    GuardedTensor z(t_shape), grad_z(t_shape), y(reader.y_shape());
    GuardedTensor grad_gamma(vector), grad_beta(vector), grad_weights(reader.weight_shape());
    const GuardedTensor dy = filled(reader.y_shape(), run.in, chain.grad_y[l]);
    kernels::batch_norm_training(run.stream, options, t.view(), gamma.view(), beta.view(),
                                 running_mean.view(), running_var.view(), mean.view(),
                                 inv_std.view(), z.view(), ws);
    kernels::conv_forward(run.stream, reader, z.view(), weights.view(), {}, y.view(), ws);
    kernels::conv_dgrad(run.stream, reader, dy.view(), weights.view(), grad_z.view(),
                        GradMode::overwrite, ws);
    kernels::conv_wgrad(run.stream, reader, z.view(), dy.view(), grad_weights.view(),
                        GradMode::overwrite, ws);
    kernels::batch_norm_backward(run.stream, options, grad_z.view(), t.view(), gamma.view(),
                                 beta.view(), mean.view(), inv_std.view(), grad_t.view(),
                                 l == 0 ? GradMode::overwrite : GradMode::accumulate,
                                 grad_gamma.view(), grad_beta.view(), ws);
    outputs.push_back(y.values());
    gradients.insert(gradients.end(),
                     {grad_gamma.values(), grad_beta.values(), grad_weights.values()});
  }
  GuardedTensor grad_x(kWriter.x_shape());
  GuardedTensor grad_weight(kWriter.weight_shape());
  kernels::conv_dgrad(run.stream, kWriter, grad_t.view(), weight.view(), grad_x.view(),
                      GradMode::overwrite, ws);
  kernels::conv_wgrad(run.stream, kWriter, x.view(), grad_t.view(), grad_weight.view(),
                      GradMode::overwrite, ws);
  gradients.insert(gradients.end(), {grad_x.values(), grad_weight.values()});
  outputs.insert(outputs.end(), gradients.begin(), gradients.end());
  return outputs;
}

}  // namespace

TEST_CASE("two fused readers of one tensor agree with plain convolutions and batch norms") {
  const Chain chain;
  std::vector<Expected> expected;
  for (const auto& values : run_plain(chain, {test_stream(0), {}, {}})) {
    expected.push_back({widened(values), {5e-5, 1e-5}});
  }
  expect_every_run(expected, [&](const Run& run) { return run_fused(chain, run); });
}

TEST_CASE("the gradients of a fused chain agree with finite differences") {
  const Chain chain;
  std::vector<double> x = widened(chain.x);
  std::vector<double> weight = widened(chain.weight);
  const auto of_x = slopes(chain, x, weight, x);
  const auto of_weight = slopes(chain, x, weight, weight);
  expect_every_run({{of_x, {1e-4, 1e-4}}, {of_weight, {1e-4, 1e-4}}},
                   [&](const Run& run) -> Outputs {
                     const Outputs outputs = run_fused(chain, run);
                     return {outputs[8], outputs[9]};
                   });
}
