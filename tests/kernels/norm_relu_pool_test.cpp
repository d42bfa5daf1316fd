// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/norm_relu_pool.h"
#include "kernels/norm_relu_case.h"
#include "kernels/pool_cases.h"
#include "reference/batch_norm.h"
#include "reference/pool.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Sums of a window are divided by its taps.
constexpr Tolerance kRounded = {2e-6, 1e-6};

std::vector<PoolProblem> some_problems() {
  std::vector<PoolProblem> problems;
  std::int64_t c = 0;
  for (PoolProblem problem : pool_windows()) {
    for (const std::int64_t channels : {1, 3, 16, 33, 100}) {
      problem.N = 1 + c++ % 2;
      problem.C = channels;
      problems.push_back(problem);
    }
  }
  PoolProblem wide = pool_windows()[0];
  wide.C = 530;
  problems.push_back(wide);
  PoolProblem large = pool_windows()[1];
  large.N = 3;
  large.H = 32;
  large.W = 30;
  large.C = 33;
  problems.push_back(large);
  PoolProblem stem = pool_windows()[0];  // made even
  stem.N = 2;
  stem.H = 12;
  for (const std::int64_t channels : {16, 33, 100}) {
    stem.C = channels;
    problems.push_back(stem);
  }
  stem.H = 34;
  stem.W = 36;
  problems.push_back(stem);
  PoolProblem padded = {.kind = PoolKind::max, .N = 1, .H = 8, .W = 8, .C = 33, .R = 3, .S = 3};
  padded.pad_h = padded.pad_w = 2;  // y has more pixels than x
  problems.push_back(padded);
  return problems;
}

std::vector<float> input(const PoolProblem& problem) {
  return steps(problem.x_shape().elements(), 1, 6, 0.5F);
}

struct Windowed {
  std::vector<double> x;  // as a reader sees it
  reference::MaxPoolResult max;
};

Windowed read_through(const PoolProblem& problem, const NormData& norm) {
  Windowed result;
  result.x = reference::norm_relu(norm.reference(), widened(input(problem)));
  result.max = reference::max_pool_forward(problem, result.x);
  return result;
}

}  // namespace

TEST_CASE("norm_relu average pool, forward") {
  for (PoolProblem problem : some_problems()) {
    for (const bool counted : {false, true}) {
      problem.count_padding = counted;
      INFO(describe(problem));
      const NormData norm(problem.C);
      const auto y = reference::average_pool_forward(problem, read_through(problem, norm).x);
      expect_every_run({{y, kRounded}}, [&](const Run& run) -> Outputs {
        const NormTensors tensors(norm);
        const GuardedTensor x = filled(problem.x_shape(), run.in, input(problem));
        GuardedTensor to = poisoned(problem.y_shape(), run.out);
        kernels::norm_relu_average_pool_forward(run.stream, problem, x.view(), tensors.view(),
                                                to.view());
        require_undamaged({&x, &to});
        return {to.values()};
      });
    }
  }
}

TEST_CASE("norm_relu average pool, backward") {
  for (const PoolProblem& problem : some_problems()) {
    INFO(describe(problem));
    const Shape shape = problem.x_shape();
    const NormData norm(problem.C);
    const auto grad_y = integers(problem.y_shape().elements(), 2, 5);
    const auto gradient =
        reference::norm_relu_gradient(norm.reference(), widened(input(problem)),
                                      reference::average_pool_backward(problem, widened(grad_y)));
    for (const auto& [mode, statistics] : gradient_kinds()) {
      std::vector<Expected> expected;
      expect_gradient(gradient, mode, GradientBefore(shape), kRounded, expected, DType::f32,
                      statistics);
      for (std::size_t k = 1; k < expected.size(); ++k) {
        expected[k].tolerance = {5e-5, 1e-6};
      }
      const auto backward = [&, mode = mode, statistics = statistics](const Run& run) -> Outputs {
        const NormTensors tensors(norm);
        const GuardedTensor x = filled(shape, run.in, input(problem));
        const GuardedTensor dy = filled(problem.y_shape(), run.out, grad_y);
        GradientTensors out(shape, run.out, mode, GradientBefore(shape), DType::f32, statistics);
        Scratch scratch(kernels::norm_relu_workspace_bytes(shape, test_device()));
        kernels::norm_relu_average_pool_backward(run.stream, problem, dy.view(), x.view(),
                                                 tensors.view(), out.view(), scratch.workspace());
        REQUIRE(scratch.intact());
        require_undamaged({&x, &dy});
        Outputs outputs;
        out.append_to(outputs);
        return outputs;
      };
      expect_every_run(expected, backward);
    }
  }
}

TEST_CASE("norm_relu global average pool") {
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 33}, Shape{3, 7, 7, 530},
                             Shape{9, 4, 4, 64}, Shape{70, 1, 1, 12}}) {
    INFO(to_string(shape));
    const PoolProblem problem = {.kind = PoolKind::average,
                                 .N = shape.n,
                                 .H = shape.h,
                                 .W = shape.w,
                                 .C = shape.c,
                                 .R = shape.h,
                                 .S = shape.w};
    const NormData norm(shape.c);
    const auto grad_y = integers(problem.y_shape().elements(), 2, 5);
    std::vector<Expected> expected = {
        {reference::average_pool_forward(problem, read_through(problem, norm).x), kRounded}};
    const auto gradient =
        reference::norm_relu_gradient(norm.reference(), widened(input(problem)),
                                      reference::average_pool_backward(problem, widened(grad_y)));
    for (const auto& [mode, statistics] : gradient_kinds()) {
      const std::size_t of_g = expected.size();
      expect_gradient(gradient, mode, GradientBefore(shape), kRounded, expected, DType::f32,
                      statistics);
      for (std::size_t k = of_g + 1; k < expected.size(); ++k) {
        expected[k].tolerance = {5e-6, 1e-6};
      }
    }
    expect_every_run(expected, [&](const Run& run) -> Outputs {
      const NormTensors tensors(norm);
      const GuardedTensor x = filled(shape, run.in, input(problem));
      const GuardedTensor dy = filled(problem.y_shape(), run.out, grad_y);
      GuardedTensor y = poisoned(problem.y_shape(), run.out);
      kernels::norm_relu_global_average_pool_forward(run.stream, x.view(), tensors.view(),
                                                     y.view());
      Outputs outputs = {y.values()};
      for (const auto& [mode, statistics] : gradient_kinds()) {
        GradientTensors out(shape, run.out, mode, GradientBefore(shape), DType::f32, statistics);
        Scratch scratch(kernels::norm_relu_workspace_bytes(shape, test_device()));
        kernels::norm_relu_global_average_pool_backward(
            run.stream, dy.view(), x.view(), tensors.view(), out.view(), scratch.workspace());
        REQUIRE(scratch.intact());
        out.append_to(outputs);
      }
      require_undamaged({&x, &dy, &y});
      return outputs;
    });
  }
}

TEST_CASE("norm_relu max pool, forward with and without winners and statistics") {
  for (const PoolProblem& problem : some_problems()) {
    INFO(describe(problem));
    const Shape y_shape = problem.y_shape();
    const NormData norm(problem.C);
    const auto max = read_through(problem, norm).max;
    const auto s = reference::batch_statistics(y_shape, max.y, 1e-5);
    const std::vector<double> winner(max.winner.begin(), max.winner.end());
    expect_every_run(
        {{max.y, {}},
         {winner, {}},
         {max.y, {}},
         {s.mean, {1e-6, 1e-6}},
         {s.variance, {2e-6, 2e-6}},
         {s.inv_std, {1e-6, 1e-4}}},
        [&](const Run& run) -> Outputs {
          const NormTensors tensors(norm);
          const GuardedTensor x = filled(problem.x_shape(), run.in, input(problem));
          GuardedTensor y = poisoned(y_shape, run.out);
          GuardedTensor bare = poisoned(y_shape, run.out);
          GuardedTensor winners(y_shape, {}, DType::u8);
          StatisticsTensors statistics(problem.C);
          Scratch scratch(kernels::norm_relu_workspace_bytes(problem.x_shape(), test_device()));
          kernels::norm_relu_max_pool_forward(run.stream, problem, x.view(), tensors.view(),
                                              y.view(), winners.view(), statistics.view(),
                                              scratch.workspace());
          kernels::norm_relu_max_pool_forward(run.stream, problem, x.view(), tensors.view(),
                                              bare.view(), {}, {}, scratch.workspace());
          REQUIRE(scratch.intact());
          require_undamaged({&x, &y, &winners, &bare});
          Outputs outputs = {y.values(), winners.values(), bare.values()};
          statistics.append_to(outputs);
          return outputs;
        });
  }
}

TEST_CASE("norm_relu max pool, backward with and without a deferred gradient") {
  for (const PoolProblem& problem : some_problems()) {
    INFO(describe(problem));
    const Shape shape = problem.x_shape();
    const NormData norm(problem.C);
    const DeferredData grad_y(problem.y_shape());
    const auto max = read_through(problem, norm).max;
    for (const auto& [mode, statistics] : gradient_kinds()) {
      const bool due = mode == GradMode::accumulate;
      std::vector<Expected> expected;
      expect_gradient(reference::norm_relu_gradient(
                          norm.reference(), widened(input(problem)),
                          reference::max_pool_backward(problem, grad_y.gradient(due), max.winner)),
                      mode, GradientBefore(shape), {}, expected, DType::f32, statistics);
      const auto backward = [&, mode = mode, statistics = statistics](const Run& run) -> Outputs {
        const NormTensors tensors(norm);
        const GuardedTensor x = filled(shape, run.in, input(problem));
        const DeferredTensors dy(grad_y, run.in, run.out);
        const GuardedTensor winners =
            filled(problem.y_shape(), {}, {max.winner.begin(), max.winner.end()}, DType::u8);
        GradientTensors out(shape, run.out, mode, GradientBefore(shape), DType::f32, statistics);
        Scratch scratch(kernels::norm_relu_workspace_bytes(shape, test_device()));
        kernels::norm_relu_max_pool_backward(run.stream, problem, dy.view(due), winners.view(),
                                             x.view(), tensors.view(), out.view(),
                                             scratch.workspace());
        REQUIRE(scratch.intact());
        require_undamaged({&x, &winners});
        dy.require_undamaged();
        Outputs outputs;
        out.append_to(outputs);
        return outputs;
      };
      expect_every_run(expected, backward);
    }
  }
}

TEST_CASE("norm_relu pools name what contradicts") {
  const Stream stream = test_stream(0);
  const PoolProblem problem = {
      .N = 1, .H = 4, .W = 4, .C = 8, .R = 2, .S = 2, .stride_h = 2, .stride_w = 2};
  GuardedTensor x({1, 4, 4, 8});
  GuardedTensor y({1, 2, 2, 8});
  const NormTensors norm(NormData(8));
  CHECK(error_of([&] {
          kernels::norm_relu_average_pool_forward(stream, problem, x.view(), norm.view(), x.view());
        }) == "[norm_relu_average_pool_forward] y is [1,4,4,8], expected [1,2,2,8]");
  CHECK(error_of([&] {
          kernels::norm_relu_average_pool_forward(stream, problem, x.view(), {}, y.view());
        }) ==
        "[norm_relu_average_pool_forward] norm.mean has no data, expected a tensor [1,1,1,8]");
  CHECK(error_of([&] {
          kernels::norm_relu_max_pool_forward(stream, problem, x.view(), norm.view(), y.view(),
                                              y.view(), {}, {});
        }) == "[norm_relu_max_pool_forward] winner is f32, expected u8");
  CHECK_THAT(error_of([&] {
               kernels::norm_relu_max_pool_forward(stream, problem, x.view(), norm.view(), y.view(),
                                                   {}, {}, {});
             }),
             Catch::Matchers::Contains("[norm_relu_max_pool_forward] workspace has 0 bytes"));
}
