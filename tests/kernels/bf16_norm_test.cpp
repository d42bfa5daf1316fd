// SPDX-License-Identifier: Apache-2.0
// Norms, ReLU and the pools that read through them in bf16.
#include "accrete/kernels/kernels.h"
#include "kernels/bf16_case.h"
#include "kernels/norm_relu_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr GradientKind kAdded = {Through::batch_norm, GradMode::accumulate};

// Windows of any kind, and those of the networks.
std::vector<PoolProblem> pools(PoolKind kind) {
  std::vector<PoolProblem> problems;
  for (const Shape& x : bf16_shapes()) {
    problems.push_back({kind, x.n, x.h, x.w, x.c, 3, 2, 2, 1, 1, 0});
  }
  const std::int64_t window = kind == PoolKind::max ? 3 : 2;
  for (const Shape& x : {Shape{2, 6, 8, 16}, Shape{1, 4, 6, 13}, Shape{1, 8, 4, 80}}) {
    problems.push_back({kind, x.n, x.h, x.w, x.c, window, window, 2, 2, window - 2, window - 2});
  }
  return problems;
}

DeferredData deferred(const Shape& shape) {
  DeferredData data(shape);
  data.g = bf16_inputs(shape, 7);
  data.y = bf16_inputs(shape, 8);
  return data;
}

// Taps of windows, in no order.
std::vector<float> some_winners(const PoolProblem& problem) {
  std::vector<float> winners;
  for (const std::int32_t tap :
       labels(problem.y_shape().elements(), 9, static_cast<std::int32_t>(problem.R * problem.S))) {
    winners.push_back(static_cast<float>(tap));
  }
  return winners;
}

}  // namespace

TEST_CASE("statistics of a bf16 tensor are those of its values") {
  for (const Shape& shape : bf16_shapes()) {
    INFO(to_string(shape));
    const auto run_one = [&](const Run& run) -> Outputs {
      const GuardedTensor x = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      StatisticsTensors statistics(shape.c);
      run_call(run.stream, kernels::ChannelStatistics{x.view(), statistics.view()});
      require_undamaged({&x});
      Outputs outputs;
      statistics.append_to(outputs);
      return outputs;
    };
    expect_rounded(run_one, 0);
  }
}

TEST_CASE("norm_relu and deferred gradients in bf16") {
  for (const Shape& shape : bf16_shapes()) {
    INFO(to_string(shape));
    const NormData norm(shape.c);
    const DeferredData due = deferred(shape);
    const auto run_all = [&](const Run& run) -> Outputs {
      const NormTensors tensors(norm);
      const GuardedTensor x = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      const GuardedTensor grad_y = filled(shape, run.out, bf16_inputs(shape, 2), run.dtype);
      const DeferredTensors gradient(due, run.in, run.out, run.dtype);
      GuardedTensor y = poisoned(shape, run.out, run.dtype);
      GuardedTensor applied = poisoned(shape, run.in, run.dtype);
      GradientTensors out(shape, run.out, kAdded, GradientBefore(shape), run.dtype);
      run_call(run.stream, kernels::NormReluForward{x.view(), tensors.view(), y.view()});
      run_call(run.stream,
               kernels::NormReluBackward{grad_y.view(), x.view(), tensors.view(), out.view()});
      run_call(run.stream, kernels::ApplyDeferredGradient{gradient.view(true), applied.view()});
      require_undamaged({&x, &grad_y, &y, &applied});
      gradient.require_undamaged();
      Outputs outputs = {y.values(), applied.values()};
      out.append_to(outputs);
      return outputs;
    };
    expect_rounded(run_all, 3);
  }
}

TEST_CASE("average pools of a normalised bf16 tensor") {
  for (const PoolProblem& problem : pools(PoolKind::average)) {
    const Shape shape = problem.x_shape();
    INFO(to_string(shape));
    const Shape means{shape.n, 1, 1, shape.c};
    const NormData norm(shape.c);
    for (const bool global : {false, true}) {
      const auto run_all = [&](const Run& run) -> Outputs {
        const NormTensors tensors(norm);
        const Shape& pooled = global ? means : problem.y_shape();
        const GuardedTensor x = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
        const GuardedTensor grad_y = filled(pooled, run.out, bf16_inputs(pooled, 2), run.dtype);
        GuardedTensor y = poisoned(pooled, run.out, run.dtype);
        GradientTensors out(shape, run.in, kAdded, GradientBefore(shape), run.dtype);
        const kernels::NormRelu through = tensors.view();
        using namespace kernels;
        if (global) {
          run_call(run.stream, GlobalAveragePoolForward{x.view(), through, y.view()});
          run_call(run.stream,
                   GlobalAveragePoolBackward{grad_y.view(), x.view(), through, out.view()});
        } else {
          run_call(run.stream, AveragePoolForward{problem, x.view(), through, y.view()});
          run_call(run.stream,
                   AveragePoolBackward{problem, grad_y.view(), x.view(), through, out.view()});
        }
        require_undamaged({&x, &grad_y, &y});
        Outputs outputs = {y.values()};
        out.append_to(outputs);
        return outputs;
      };
      expect_rounded(run_all, 2);
    }
  }
}

// Values that are equal once they are stored must be equal before: else the fused pool would send
// its gradient elsewhere.
TEST_CASE("a max pool of a normalised bf16 tensor picks what one of a stored tensor picks") {
  for (const PoolProblem& problem : pools(PoolKind::max)) {
    const Shape shape = problem.x_shape();
    INFO(to_string(shape));
    const Shape pooled = problem.y_shape();
    const NormData norm(shape.c);
    for (std::size_t way = 0; way < arithmetics().size(); ++way) {
      const Arithmetic arithmetic(way);
      const Stream stream = test_stream(static_cast<int>(way));
      const NormTensors tensors(norm);
      const GuardedTensor x = filled(shape, layouts()[3], bf16_inputs(shape, 1), DType::bf16);
      GuardedTensor stored = poisoned(shape, layouts()[2], DType::bf16);
      GuardedTensor fused = poisoned(pooled, layouts()[3], DType::bf16);
      GuardedTensor plain = poisoned(pooled, layouts()[2], DType::bf16);
      GuardedTensor fused_winner(pooled, {}, DType::u8);
      GuardedTensor plain_winner(pooled, {}, DType::u8);
      StatisticsTensors fused_statistics(shape.c);
      StatisticsTensors plain_statistics(shape.c);
      run_call(stream, kernels::MaxPoolForward{problem, x.view(), tensors.view(), fused.view(),
                                               fused_winner.view(), fused_statistics.view()});
      run_call(stream, kernels::NormReluForward{x.view(), tensors.view(), stored.view()});
      run_call(stream, kernels::MaxPoolForward{
                           problem, stored.view(), {}, plain.view(), plain_winner.view(), {}});
      run_call(stream, kernels::ChannelStatistics{plain.view(), plain_statistics.view()});
      require_undamaged({&x, &stored, &fused, &plain, &fused_winner, &plain_winner});
      CHECK(exact_difference(fused.values(), plain.values()) == "");
      CHECK(exact_difference(fused_winner.values(), plain_winner.values()) == "");
      Outputs of_fused, of_plain;
      fused_statistics.append_to(of_fused);
      plain_statistics.append_to(of_plain);
      for (std::size_t k = 0; k < of_plain.size(); ++k) {
        CHECK(difference(of_fused[k], widened(of_plain[k]), {1e-6, 1e-5}) == "");
      }
    }
  }
}

TEST_CASE("the gradient of a max pool of a normalised bf16 tensor") {
  for (const PoolProblem& problem : pools(PoolKind::max)) {
    const Shape shape = problem.x_shape();
    INFO(to_string(shape));
    const NormData norm(shape.c);
    const DeferredData due = deferred(problem.y_shape());
    const auto run_all = [&](const Run& run) -> Outputs {
      const NormTensors tensors(norm);
      const GuardedTensor x = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      const DeferredTensors gradient(due, run.in, run.out, run.dtype);
      const GuardedTensor winners = filled(problem.y_shape(), {}, some_winners(problem), DType::u8);
      GradientTensors out(shape, run.out, kAdded, GradientBefore(shape), run.dtype);
      run_call(run.stream, kernels::MaxPoolBackward{problem, gradient.view(true), winners.view(),
                                                    x.view(), tensors.view(), out.view()});
      require_undamaged({&x});
      gradient.require_undamaged();
      return out.outputs();
    };
    expect_rounded(run_all, 1);
  }
}
