// SPDX-License-Identifier: Apache-2.0
// A convolution whose output t is normalised by two readers with gammas of their own: statistics
// taken once, two gradients added up, and the rest of batch norm paid where t's convolution loads
// its gradient. Against the same net of plain kernels, and against finite differences.
#include <deque>

#include "accrete/kernels/batch_norm.h"
#include "kernels/conv_case.h"

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

using namespace kernels;

// What both nets have: t with its gradient, the writer's operands and the gradients of those.
struct WriterTensors {
  WriterTensors(const Chain& chain, const Run& run)
      : x(filled(kWriter.x_shape(), run.in, chain.x)),
        weight(filled(kWriter.weight_shape(), {}, chain.weight)),
        t(poisoned(kWriter.y_shape(), run.out)),
        grad_t(poisoned(kWriter.y_shape(), run.in)),
        grad_x(poisoned(kWriter.x_shape(), run.out)),
        grad_weight(poisoned(kWriter.weight_shape(), {})) {}

  void forward(const Stream& stream, const StatisticsOutput& statistics) {
    run_call(stream, ConvForward{kWriter, x.view(), {}, weight.view(), {}, t.view(), statistics});
  }
  void backward(const Stream& stream, const DeferredGradient& grad_y) {
    run_call(stream, ConvDgrad{kWriter, grad_y, weight.view(), {}, {}, {.g = grad_x.view()}});
    run_call(stream, ConvWgrad{kWriter, x.view(), {}, grad_y, grad_weight.view()});
  }
  const GuardedTensor x, weight;
  GuardedTensor t, grad_t, grad_x, grad_weight;
};

// The same of a reader.
struct ReaderTensors {
  ReaderTensors(const Chain& chain, std::size_t l, const Run& run)
      : problem(kReaders[l]),
        mode(kGradModes[l]),
        weight(filled(problem.weight_shape(), {}, chain.weights[l])),
        gamma(NormTensors::vector(chain.gamma[l])),
        beta(NormTensors::vector(chain.beta[l])),
        grad_y(filled(problem.y_shape(), run.in, chain.grad_y[l])),
        y(poisoned(problem.y_shape(), run.out)),
        grad_gamma(poisoned(channel_vector(problem.C), {})),
        grad_beta(poisoned(channel_vector(problem.C), {})),
        grad_weight(poisoned(problem.weight_shape(), {})) {}

  // Of what it reads, through a norm or not.
  void convolve(const Stream& stream, const ConstTensorView& x, const NormRelu& norm,
                const NormReluGradient& grad_x) {
    const DeferredGradient of_y{.g = grad_y.view()};
    const ConstTensorView normed = norm ? x : ConstTensorView();
    run_call(stream, ConvForward{problem, x, norm, weight.view(), {}, y.view(), {}});
    run_call(stream, ConvDgrad{problem, of_y, weight.view(), normed, norm, grad_x});
    run_call(stream, ConvWgrad{problem, x, norm, of_y, grad_weight.view()});
  }
  const ConvProblem problem;
  const GradMode mode;  // of what both readers add up
  const GuardedTensor weight, gamma, beta, grad_y;
  GuardedTensor y, grad_gamma, grad_beta, grad_weight;
};

// y of both readers, then per reader grad_gamma, grad_beta and the gradient of its weights, then
// the gradients of the writer's x and weight.
Outputs outputs_of(const WriterTensors& writer, const std::deque<ReaderTensors>& readers) {
  Outputs outputs = {readers[0].y.values(), readers[1].y.values()};
  for (const ReaderTensors& r : readers) {
    append(outputs, {r.grad_gamma.values(), r.grad_beta.values(), r.grad_weight.values()});
  }
  append(outputs, {writer.grad_x.values(), writer.grad_weight.values()});
  return outputs;
}

Outputs run_with_parts(const Chain& chain, const Run& run) {
  WriterTensors w(chain, run);
  StatisticsTensors statistics(kWriter.K);
  const StatisticsOutput stats = statistics.view();
  w.forward(run.stream, stats);
  GuardedTensor a = poisoned(channel_vector(kWriter.K), {});
  GuardedTensor b = poisoned(channel_vector(kWriter.K), {});
  std::deque<ReaderTensors> readers;
  for (const std::size_t l : {0U, 1U}) {
    ReaderTensors& r = readers.emplace_back(chain, l, run);
    r.convolve(
        run.stream, w.t.view(), {stats.mean, stats.inv_std, r.gamma.view(), r.beta.view()},
        {w.grad_t.view(), a.view(), b.view(), r.grad_gamma.view(), r.grad_beta.view(), r.mode});
  }
  w.backward(run.stream,
             {w.grad_t.view(), w.t.view(), stats.mean, stats.inv_std, a.view(), b.view()});
  return outputs_of(w, readers);
}

// The same from convolutions and batch norms that make passes of their own.
Outputs run_plain(const Chain& chain, const Run& run) {
  const Shape vector = channel_vector(kWriter.K);
  WriterTensors w(chain, run);
  w.forward(run.stream, {});
  std::deque<ReaderTensors> readers;
  for (const std::size_t l : {0U, 1U}) {
    ReaderTensors& r = readers.emplace_back(chain, l, run);
    GuardedTensor running_mean(vector), running_var(vector), mean(vector), inv_std(vector);
    GuardedTensor z(kWriter.y_shape()), grad_z(kWriter.y_shape());
    run_call(run.stream, BatchNormTraining{{.relu = true},
                                           w.t.view(),
                                           r.gamma.view(),
                                           r.beta.view(),
                                           running_mean.view(),
                                           running_var.view(),
                                           mean.view(),
                                           inv_std.view(),
                                           z.view()});
    r.convolve(run.stream, z.view(), {}, {.g = grad_z.view()});
    run_call(run.stream,
             BatchNormBackward{.grad_y = grad_z.view(),
                               .x = w.t.view(),
                               .norm = {mean.view(), inv_std.view(), r.gamma.view(), r.beta.view()},
                               .relu = true,
                               .grad_x = w.grad_t.view(),
                               .mode = r.mode,
                               .grad_gamma = r.grad_gamma.view(),
                               .grad_beta = r.grad_beta.view()});
  }
  w.backward(run.stream, {.g = w.grad_t.view()});
  return outputs_of(w, readers);
}

}  // namespace

TEST_CASE("two readers of one tensor agree with plain convolutions and batch norms") {
  const Chain chain;
  std::vector<Expected> expected;
  for (const auto& values : run_plain(chain, {test_stream(0), {}, {}})) {
    expected.push_back({widened(values), {5e-5, 1e-5}});
  }
  expect_every_run(expected, [&](const Run& run) { return run_with_parts(chain, run); });
}

TEST_CASE("the gradients of a chain agree with finite differences") {
  const Chain chain;
  std::vector<double> x = widened(chain.x);
  std::vector<double> weight = widened(chain.weight);
  const auto of_x = slopes(chain, x, weight, x);
  const auto of_weight = slopes(chain, x, weight, weight);
  expect_every_run({{of_x, {1e-4, 1e-4}}, {of_weight, {1e-4, 1e-4}}},
                   [&](const Run& run) -> Outputs {
                     const Outputs outputs = run_with_parts(chain, run);
                     return {outputs[8], outputs[9]};
                   });
}
