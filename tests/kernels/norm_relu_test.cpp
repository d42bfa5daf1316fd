// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "accrete/kernels/batch_norm.h"
#include "kernels/norm_relu_case.h"
#include "reference/batch_norm.h"

using namespace accrete;
using namespace accrete::test;

namespace {

Outputs run_statistics(const Shape& shape, const std::vector<float>& values, const Run& run) {
  const GuardedTensor x = filled(shape, run.in, values);
  StatisticsTensors statistics(shape.c);
  run_call(run.stream, kernels::ChannelStatistics{x.view(), statistics.view()});
  require_undamaged({&x});
  Outputs outputs;
  statistics.append_to(outputs);
  return outputs;
}

std::vector<Shape> some_shapes() {
  return {{1, 1, 1, 1},    {2, 3, 5, 3},    {2, 9, 11, 17},  {1, 7, 9, 48},
          {2, 3, 3, 1037}, {3, 23, 29, 33}, {2, 31, 37, 64}, {1, 70, 61, 3}};
}

Outputs run_backward(const Shape& shape, const std::vector<float>& values, const NormData& norm,
                     const std::vector<float>& gradient, const GradientKind& kind, const Run& run) {
  const GuardedTensor x = filled(shape, run.in, values);
  const GuardedTensor grad_y = filled(shape, run.out, gradient);
  const NormTensors tensors(norm);
  GradientTensors out(shape, run.in, kind, GradientBefore(shape));
  run_call(run.stream,
           kernels::NormReluBackward{grad_y.view(), x.view(), tensors.view(), out.view()});
  require_undamaged({&x, &grad_y});
  return out.outputs();
}

}  // namespace

TEST_CASE("channel_statistics of every shape and placement") {
  for (const Shape& shape : some_shapes()) {
    INFO(to_string(shape));
    const auto x = uniform(shape.elements(), 1, -2.0F, 3.0F);
    const auto s = reference::batch_statistics(shape, widened(x), 1e-5);
    // With one pixel the variance is 0 and the deviation that of epsilon.
    expect_every_run(
        {{s.mean, {1e-6, 1e-6}}, {s.variance, {1e-6, 2e-6}}, {s.inv_std, {1e-6, 1e-5}}},
        [&](const Run& run) { return run_statistics(shape, x, run); });
  }
}

TEST_CASE("channel_statistics where the mean is 1000 deviations") {
  const Shape shape{3, 41, 37, 24};
  const auto x = uniform(shape.elements(), 2, 1000.0F, 1003.4F);
  const auto s = reference::batch_statistics(shape, widened(x), 1e-5);
  expect_every_run({{s.mean, {0.0, 1e-7}}, {s.variance, {0.0, 1e-4}}, {s.inv_std, {0.0, 1e-4}}},
                   [&](const Run& run) { return run_statistics(shape, x, run); });
}

// Sums may be taken from any pixel's value, however far from the mean that is.
TEST_CASE("channel_statistics where runs of pixels are far from the mean") {
  const Shape shape{1, 300, 301, 3};
  auto x = uniform(shape.elements(), 2, -1.0F, 1.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] += i / 3 / 32 % 6 == 0 ? 100.0F : 0.0F;
  }
  const auto s = reference::batch_statistics(shape, widened(x), 1e-5);
  expect_every_run({{s.mean, {0.0, 1e-6}}, {s.variance, {0.0, 2e-6}}, {s.inv_std, {0.0, 2e-6}}},
                   [&](const Run& run) { return run_statistics(shape, x, run); });
}

TEST_CASE("norm_relu_forward, also in place") {
  for (const Shape& shape : some_shapes()) {
    INFO(to_string(shape));
    const auto x = steps(shape.elements(), 3, 8, 0.5F);
    const NormData norm(shape.c);
    const auto y = reference::norm_relu(norm.reference(), widened(x));
    expect_every_run({{y, {}}, {y, {}}}, [&](const Run& run) -> Outputs {
      const NormTensors tensors(norm);
      GuardedTensor from = filled(shape, run.in, x);
      GuardedTensor to = poisoned(shape, run.out);
      for (const TensorView& target : {to.view(), from.view()}) {
        run_call(run.stream, kernels::NormReluForward{from.view(), tensors.view(), target});
      }
      require_undamaged({&from, &to});
      return {to.values(), from.values()};
    });
  }
}

TEST_CASE("norm_relu_backward, overwriting and accumulating, of the batch and constant") {
  for (const Shape& shape : some_shapes()) {
    INFO(to_string(shape));
    const auto x = steps(shape.elements(), 4, 8, 0.5F);
    const auto gradient = integers(shape.elements(), 5, 5);
    const NormData norm(shape.c);
    for (const GradientKind& kind : gradient_kinds(true)) {
      const auto expected =
          expected_gradient(x, norm, widened(gradient), kind, GradientBefore(shape));
      expect_every_run(expected, [&](const Run& run) {
        return run_backward(shape, x, norm, gradient, kind, run);
      });
    }
  }
}

TEST_CASE("norm_relu_backward onto its own grad_y") {
  const Shape shape{2, 9, 11, 33};
  const auto x = steps(shape.elements(), 4, 8, 0.5F);
  const auto gradient = integers(shape.elements(), 5, 5);
  const NormData norm(shape.c);
  const auto of_x = reference::norm_relu_gradient(norm.reference(), widened(x), widened(gradient));
  expect_every_run({{of_x.g, {}}, {of_x.beta, {}}}, [&](const Run& run) -> Outputs {
    const GuardedTensor from = filled(shape, run.in, x);
    GuardedTensor grad_y = filled(shape, run.out, gradient);
    const NormTensors tensors(norm);
    GuardedTensor a = poisoned(channel_vector(shape.c), {});
    GuardedTensor b = poisoned(channel_vector(shape.c), {});
    GuardedTensor grad_gamma = poisoned(channel_vector(shape.c), {});
    GuardedTensor grad_beta = poisoned(channel_vector(shape.c), {});
    run_call(run.stream, kernels::NormReluBackward{grad_y.view(),
                                                   from.view(),
                                                   tensors.view(),
                                                   {grad_y.view(), a.view(), b.view(),
                                                    grad_gamma.view(), grad_beta.view()}});
    require_undamaged({&from, &grad_y});
    return {grad_y.values(), grad_beta.values()};
  });
}

TEST_CASE("apply_deferred_gradient, also in place and with nothing due") {
  for (const Shape& shape : some_shapes()) {
    INFO(to_string(shape));
    const DeferredData data(shape);
    expect_every_run(
        {{data.gradient(true), {}}, {data.gradient(false), {}}, {data.gradient(true), {}}},
        [&](const Run& run) -> Outputs {
          const DeferredTensors tensors(data, run.in, run.out);
          GuardedTensor due = poisoned(shape, run.out);
          GuardedTensor plain = poisoned(shape, run.in);
          run_call(run.stream, kernels::ApplyDeferredGradient{tensors.view(true), due.view()});
          run_call(run.stream, kernels::ApplyDeferredGradient{tensors.view(false), plain.view()});
          GuardedTensor onto = filled(shape, run.in, data.g);
          kernels::DeferredGradient gradient = tensors.view(true);
          gradient.g = onto.view();
          run_call(run.stream, kernels::ApplyDeferredGradient{gradient, onto.view()});
          tensors.require_undamaged();
          require_undamaged({&due, &plain, &onto});
          return {due.values(), plain.values(), onto.values()};
        });
  }
}

TEST_CASE("inverse_deviation") {
  for (const std::int64_t channels : {1, 5, 33, 600}) {
    const auto variance = uniform(channels, 6, 0.0F, 4.0F);
    std::vector<double> expected;
    for (const float v : variance) {
      expected.push_back(1.0 / std::sqrt(static_cast<double>(v) + 1e-3));
    }
    expect_every_run({{expected, {0.0, 1e-6}}}, [&](const Run& run) -> Outputs {
      const GuardedTensor from = NormTensors::vector(variance);
      GuardedTensor to = poisoned(channel_vector(channels), {});
      run_call(run.stream, kernels::InverseDeviation{from.view(), 1e-3F, to.view()});
      require_undamaged({&from, &to});
      return {to.values()};
    });
  }
}

TEST_CASE("update_running_statistics of several norms in one call") {
  const std::vector<std::int64_t> channels = {3, 48, 130};
  const std::vector<std::int64_t> pixels = {1, 2, 1000};
  std::vector<Expected> expected;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const auto seed = static_cast<std::uint64_t>(10 * i);
    auto mean = widened(uniform(channels[i], seed + 3));
    auto variance = widened(uniform(channels[i], seed + 4, 0.5F, 2.0F));
    const auto batch_mean = uniform(channels[i], seed + 1);
    const auto batch_variance = uniform(channels[i], seed + 2, 0.0F, 3.0F);
    const auto m = static_cast<double>(pixels[i]);
    for (std::size_t c = 0; c < mean.size(); ++c) {
      mean[c] = 0.75 * mean[c] + 0.25 * static_cast<double>(batch_mean[c]);
      if (pixels[i] > 1) {
        variance[c] =
            0.75 * variance[c] + 0.25 * static_cast<double>(batch_variance[c]) * m / (m - 1.0);
      }
    }
    expected.push_back({mean, {1e-7, 1e-6}});
    expected.push_back({variance, {1e-7, 1e-6}});
  }
  expect_every_run(expected, [&](const Run& run) -> Outputs {
    std::vector<GuardedTensor> tensors;
    std::vector<kernels::RunningStatistics> list;
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const auto seed = static_cast<std::uint64_t>(10 * i);
      tensors.push_back(NormTensors::vector(uniform(channels[i], seed + 1)));
      tensors.push_back(NormTensors::vector(uniform(channels[i], seed + 2, 0.0F, 3.0F)));
      tensors.push_back(NormTensors::vector(uniform(channels[i], seed + 3)));
      tensors.push_back(NormTensors::vector(uniform(channels[i], seed + 4, 0.5F, 2.0F)));
      GuardedTensor* const own = &tensors[4 * i];
      list.push_back({own[0].view().f32(), own[1].view().f32(), own[2].view().f32(),
                      own[3].view().f32(), channels[i], pixels[i], 0.25F});
    }
    run_call(run.stream, kernels::UpdateRunningStatistics{list.data(), 3});
    Outputs outputs;
    for (std::size_t i = 0; i < channels.size(); ++i) {
      require_undamaged({&tensors[4 * i + 2], &tensors[4 * i + 3]});
      outputs.push_back(tensors[4 * i + 2].values());
      outputs.push_back(tensors[4 * i + 3].values());
    }
    return outputs;
  });
}

TEST_CASE("norm_relu calls name what contradicts") {
  using namespace kernels;
  const Shape shape{2, 3, 3, 8};
  GuardedTensor x(shape);
  GuardedTensor small({2, 3, 2, 8});
  const NormTensors wrong(NormData(7));
  const NormTensors right(NormData(8));
  Scratch scratch(1 << 16);
  const auto error = [&](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call, scratch.workspace()); });
  };
  CHECK(error(NormReluForward{x.view(), wrong.view(), x.view()}) ==
        "[norm_relu_forward] norm.mean is [1,1,1,7], expected [1,1,1,8]");
  CHECK(error(NormReluForward{x.view(), {}, x.view()}) ==
        "[norm_relu_forward] norm.mean has no data, expected a tensor [1,1,1,8]");
  CHECK(error(NormReluBackward{small.view(), x.view(), right.view(), {}}) ==
        "[norm_relu_backward] grad_y is [2,3,2,8], expected [2,3,3,8]");
  CHECK(error(NormReluBackward{x.view(), x.view(), right.view(), {}}) ==
        "[norm_relu_backward] grad_x.g has no data, expected a tensor [2,3,3,8]");
  CHECK(error(NormReluBackward{x.view(), x.view(), {}, {.g = x.view()}}) ==
        "[norm_relu_backward] norm.mean has no data");
  CHECK(error(ChannelStatistics{x.view(), {}}) == "[channel_statistics] statistics has no data");
  const RunningStatistics empty;
  CHECK(error(UpdateRunningStatistics{&empty, 1}) ==
        "[update_running_statistics] statistics[0] has a vector without data");
}
