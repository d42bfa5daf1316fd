// SPDX-License-Identifier: Apache-2.0
// The operations beside convolutions and fused norms in bf16.
#include <vector>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/kernels.h"
#include "kernels/bf16_case.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("element-wise operations in bf16") {
  for (const Shape& shape : bf16_shapes()) {
    INFO(to_string(shape));
    expect_rounded([&](const Run& run) -> Outputs {
      const GuardedTensor a = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      const GuardedTensor b = filled(shape, run.out, bf16_inputs(shape, 2), run.dtype);
      GuardedTensor sum = poisoned(shape, run.out, run.dtype);
      GuardedTensor accumulated = filled(shape, run.in, bf16_inputs(shape, 3), run.dtype);
      GuardedTensor dropped = poisoned(shape, run.out, run.dtype);
      GuardedTensor full = poisoned(shape, run.out, run.dtype);
      run_call(run.stream, kernels::Add{a.view(), b.view(), sum.view()});
      run_call(run.stream, kernels::Copy{a.view(), accumulated.view(), GradMode::accumulate});
      run_call(run.stream, kernels::Dropout{0.3F, {1, 2}, a.view(), dropped.view()});
      run_call(run.stream, kernels::Fill{full.view(), 0.1F});
      require_undamaged({&a, &b, &sum, &accumulated, &dropped, &full});
      return {sum.values(), accumulated.values(), dropped.values(), full.values()};
    });
  }
}

TEST_CASE("ReLU in bf16") {
  for (const Shape& shape : bf16_shapes()) {
    const std::vector<float> before = bf16_inputs(shape, 1);
    const std::vector<float> gradient = bf16_inputs(shape, 2);
    std::vector<double> activation, masked;
    for (std::size_t i = 0; i < before.size(); ++i) {
      activation.push_back(before[i] > 0.0F ? static_cast<double>(before[i]) : 0.0);
      masked.push_back(before[i] > 0.0F ? static_cast<double>(gradient[i]) : 0.0);
    }
    expect_every_run({{activation, {}}, {masked, {}}}, [&](const Run& run) -> Outputs {
      const GuardedTensor x = filled(shape, run.in, before, DType::bf16);
      const GuardedTensor grad_y = filled(shape, run.out, gradient, DType::bf16);
      GuardedTensor y = poisoned(shape, run.out, DType::bf16);
      GuardedTensor grad_x = poisoned(shape, run.in, DType::bf16);
      run_call(run.stream, kernels::ReluForward{x.view(), y.view()});
      run_call(run.stream, kernels::ReluBackward{grad_y.view(), y.view(), grad_x.view()});
      require_undamaged({&x, &grad_y, &y, &grad_x});
      return {y.values(), grad_x.values()};
    });
  }
}

TEST_CASE("copies to the other dtype round to nearest even and back exactly") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Shape shape{1, 1, 2, 9};
  const std::vector<float> values = {
      1.0F,  1.00390625F, 1.01171875F, -1.00390625F, 3.3e38F,     1e-30F, 0.0F, -0.0F,   nan, 0.1F,
      -0.3F, 65504.0F,    255.5F,      256.0F * 3,   1.0F / 3.0F, -2.5F,  7.0F, infinity};
  std::vector<double> expected;
  for (const float value : values) {
    expected.push_back(static_cast<double>(value == infinity ? value : bf16_rounded(value)));
  }
  CHECK(expected[1] == 1.0);       // tie, to even
  CHECK(expected[2] == 1.015625);  // tie, to even
  expect_every_run({{expected, {}}, {expected, {}}}, [&](const Run& run) -> Outputs {
    const GuardedTensor from = filled(shape, run.in, values);
    GuardedTensor to = poisoned(shape, run.out, DType::bf16);
    GuardedTensor back = poisoned(shape, run.in);
    run_call(run.stream, kernels::Copy{from.view(), to.view()});
    run_call(run.stream, kernels::Copy{to.view(), back.view()});
    require_undamaged({&from, &to, &back});
    return {to.values(), back.values()};
  });
}

TEST_CASE("pooling in bf16") {
  for (const Shape& shape : bf16_shapes()) {
    INFO(to_string(shape));
    PoolProblem problem{PoolKind::average, shape.n, shape.h, shape.w, shape.c, 3, 3, 2, 2, 1, 1};
    expect_rounded([&](const Run& run) -> Outputs {
      const GuardedTensor x = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      const GuardedTensor grad_y =
          filled(problem.y_shape(), run.out, bf16_inputs(problem.y_shape(), 2), run.dtype);
      GuardedTensor mean = poisoned(problem.y_shape(), run.out, run.dtype);
      GuardedTensor grad_mean = poisoned(shape, run.in, run.dtype);
      GuardedTensor winner(problem.y_shape(), {}, DType::u8);
      GuardedTensor peak = poisoned(problem.y_shape(), run.out, run.dtype);
      GuardedTensor grad_peak = filled(shape, run.in, bf16_inputs(shape, 3), run.dtype);
      const Shape means{shape.n, 1, 1, shape.c};
      GuardedTensor global = poisoned(means, run.out, run.dtype);
      const GuardedTensor grad_y_global = filled(means, run.out, bf16_inputs(means, 5), run.dtype);
      GuardedTensor grad_global = filled(shape, run.in, bf16_inputs(shape, 4), run.dtype);
      using namespace kernels;
      run_call(run.stream, AveragePoolForward{.problem = problem, .x = x.view(), .y = mean.view()});
      run_call(run.stream,
               AveragePoolBackward{
                   .problem = problem, .grad_y = grad_y.view(), .grad_x = {.g = grad_mean.view()}});
      run_call(run.stream,
               MaxPoolForward{
                   .problem = problem, .x = x.view(), .y = peak.view(), .winner = winner.view()});
      run_call(run.stream,
               MaxPoolBackward{.problem = problem,
                               .grad_y = {.g = grad_y.view()},
                               .winner = winner.view(),
                               .grad_x = {.g = grad_peak.view(), .mode = GradMode::accumulate}});
      run_call(run.stream, GlobalAveragePoolForward{.x = x.view(), .y = global.view()});
      run_call(run.stream, GlobalAveragePoolBackward{
                               .grad_y = grad_y_global.view(),
                               .grad_x = {.g = grad_global.view(), .mode = GradMode::accumulate}});
      require_undamaged({&x, &grad_y, &mean, &grad_mean, &winner, &peak, &grad_peak, &global,
                         &grad_y_global, &grad_global});
      return {mean.values(), grad_mean.values(), grad_peak.values(), global.values(),
              grad_global.values()};
    });
  }
}

TEST_CASE("batch norm in bf16") {
  for (const Shape& shape : bf16_shapes()) {
    INFO(to_string(shape));
    const Shape vector = channel_vector(shape.c);
    const auto run_all = [&](const Run& run) -> Outputs {
      const GuardedTensor x = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      const GuardedTensor grad_y = filled(shape, run.out, bf16_inputs(shape, 2), run.dtype);
      const GuardedTensor gamma = filled(vector, {}, uniform(shape.c, 3));
      const GuardedTensor beta = filled(vector, {}, uniform(shape.c, 4));
      GuardedTensor running_mean = filled(vector, {}, uniform(shape.c, 5));
      GuardedTensor running_var = filled(vector, {}, uniform(shape.c, 6, 0.5F, 1.0F));
      GuardedTensor mean = poisoned(vector, {});
      GuardedTensor inv_std = poisoned(vector, {});
      GuardedTensor grad_gamma = poisoned(vector, {});
      GuardedTensor grad_beta = poisoned(vector, {});
      GuardedTensor y = poisoned(shape, run.out, run.dtype);
      GuardedTensor inferred = poisoned(shape, run.out, run.dtype);
      GuardedTensor grad_x = poisoned(shape, run.in, run.dtype);
      const kernels::BatchNormOptions options{.relu = true};
      run_call(run.stream, kernels::BatchNormInference{options, x.view(), gamma.view(), beta.view(),
                                                       running_mean.view(), running_var.view(),
                                                       inferred.view()});
      run_call(run.stream, kernels::BatchNormTraining{options, x.view(), gamma.view(), beta.view(),
                                                      running_mean.view(), running_var.view(),
                                                      mean.view(), inv_std.view(), y.view()});
      run_call(run.stream, kernels::BatchNormBackward{
                               .grad_y = grad_y.view(),
                               .x = x.view(),
                               .norm = {mean.view(), inv_std.view(), gamma.view(), beta.view()},
                               .relu = true,
                               .grad_x = grad_x.view(),
                               .grad_gamma = grad_gamma.view(),
                               .grad_beta = grad_beta.view()});
      require_undamaged({&x, &grad_y, &y, &inferred, &grad_x, &mean, &inv_std, &grad_gamma,
                         &grad_beta, &running_mean, &running_var});
      return {y.values(),           inferred.values(),   grad_x.values(),
              mean.values(),        inv_std.values(),    running_mean.values(),
              running_var.values(), grad_gamma.values(), grad_beta.values()};
    };
    expect_rounded(run_all, 3);
  }
}

TEST_CASE("softmax cross-entropy in bf16") {
  const Shape shape{5, 1, 1, 11};
  const auto run_both = [&](const Run& run) -> Outputs {
    const GuardedTensor logits = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
    const GuardedTensor given = filled(shape, run.in, bf16_inputs(shape, 2), run.dtype);
    GuardedTensor labels({5, 1, 1, 1}, {}, DType::i32);
    labels.set_labels({0, 10, 3, 3, 5});
    GuardedTensor probabilities = poisoned(shape, run.out, run.dtype);
    GuardedTensor gradient = poisoned(shape, run.out, run.dtype);
    GuardedTensor loss = poisoned({1, 1, 1, 1}, {});
    GuardedTensor correct = poisoned({1, 1, 1, 1}, {});
    run_call(run.stream,
             kernels::SoftmaxCrossEntropyForward{logits.view(), labels.view(), probabilities.view(),
                                                 loss.view(), correct.view()});
    run_call(run.stream,
             kernels::SoftmaxCrossEntropyBackward{given.view(), labels.view(), gradient.view()});
    require_undamaged({&logits, &given, &probabilities, &gradient});
    return {probabilities.values(), gradient.values(), loss.values(), correct.values()};
  };
  expect_rounded(run_both, 2);
}

TEST_CASE("softmax cross-entropy in bf16 works in place") {
  const Shape shape{3, 1, 1, 13};
  const auto run_one = [&](const Run& run) -> Outputs {
    GuardedTensor rows = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
    GuardedTensor labels({3, 1, 1, 1}, {}, DType::i32);
    labels.set_labels({12, 0, 7});
    GuardedTensor loss = poisoned({1, 1, 1, 1}, {});
    GuardedTensor correct = poisoned({1, 1, 1, 1}, {});
    run_call(run.stream, kernels::SoftmaxCrossEntropyForward{
                             rows.view(), labels.view(), rows.view(), loss.view(), correct.view()});
    require_undamaged({&rows});
    return {rows.values(), loss.values()};
  };
  expect_rounded(run_one, 1);
}

// Whole numbers, whose sums are exact in f32 in any order.
TEST_CASE("linear layers in bf16") {
  const ConvProblem problem = ConvProblem::linear(7, 45, 13);
  const Shape in = problem.x_shape();
  const Shape out = problem.y_shape();
  const Shape weights = problem.weight_shape();
  const auto run_all = [&](const Run& run) -> Outputs {
    const GuardedTensor x = filled(in, run.in, integers(in.elements(), 1, 12), run.dtype);
    const GuardedTensor weight =
        filled(weights, {}, integers(weights.elements(), 2, 12), run.dtype);
    const GuardedTensor bias = filled(channel_vector(13), {}, integers(13, 3, 300));
    const GuardedTensor grad_y = filled(out, run.out, integers(out.elements(), 4, 12), run.dtype);
    GuardedTensor y = poisoned(out, run.out, run.dtype);
    GuardedTensor grad_x = filled(in, run.in, integers(in.elements(), 5, 12), run.dtype);
    GuardedTensor grad_weight = poisoned(weights, {});
    run_call(run.stream, kernels::ConvForward{.problem = problem,
                                              .x = x.view(),
                                              .weight = weight.view(),
                                              .bias = bias.view(),
                                              .y = y.view()});
    run_call(run.stream,
             kernels::ConvDgrad{.problem = problem,
                                .grad_y = {.g = grad_y.view()},
                                .weight = weight.view(),
                                .grad_x = {.g = grad_x.view(), .mode = GradMode::accumulate}});
    run_call(run.stream, kernels::ConvWgrad{.problem = problem,
                                            .x = x.view(),
                                            .grad_y = {.g = grad_y.view()},
                                            .grad_weight = grad_weight.view()});
    require_undamaged({&x, &weight, &bias, &grad_y, &y, &grad_x, &grad_weight});
    return {y.values(), grad_x.values(), grad_weight.values()};
  };
  expect_rounded(run_all, 2);
}

TEST_CASE("the bias gradient of a bf16 tensor is f32") {
  for (const Shape& shape : {Shape{2, 5, 7, 13}, Shape{3, 19, 11, 77}}) {
    INFO(to_string(shape));
    const auto run_one = [&](const Run& run) -> Outputs {
      const GuardedTensor grad_y = filled(shape, run.in, bf16_inputs(shape, 1), run.dtype);
      GuardedTensor bias = filled(channel_vector(shape.c), {}, uniform(shape.c, 2));
      run_call(run.stream, kernels::BiasGrad{grad_y.view(), bias.view(), GradMode::accumulate});
      require_undamaged({&grad_y, &bias});
      return {bias.values()};
    };
    expect_rounded(run_one, 0);
  }
}

// More parameters than one launch takes, some of them empty, some longer than a block's chunk.
TEST_CASE("updates write rounded copies of the parameters") {
  constexpr std::size_t kParameters = 700;
  const auto count_of = [](std::size_t i) {
    return static_cast<std::int64_t>(i % 97 == 0 ? 2500 : i % 5);
  };
  for (std::size_t way = 0; way < arithmetics().size(); ++way) {
    const Arithmetic arithmetic(way);
    std::vector<GuardedTensor> values, gradients, copies;
    std::vector<kernels::SgdParameter> parameters;
    for (std::size_t i = 0; i < kParameters; ++i) {
      const Shape shape = channel_vector(count_of(i) + 1);
      values.push_back(filled(shape, {}, uniform(shape.c, i)));
      gradients.push_back(filled(shape, {}, uniform(shape.c, 9000 + i)));
      copies.push_back(poisoned(shape, {}, DType::bf16));
    }
    for (std::size_t i = 0; i < kParameters; ++i) {
      parameters.push_back({values[i].view().f32(), gradients[i].view().f32(), nullptr, count_of(i),
                            0.0F, static_cast<std::uint16_t*>(copies[i].view().data)});
    }
    run_call(test_stream(1),
             kernels::SgdStep{{0.25F, 0.0F, false}, parameters.data(), kParameters});
    for (std::size_t i = 0; i < kParameters; ++i) {
      const auto value = values[i].values();
      const auto copy = copies[i].values();
      const auto before = uniform(count_of(i) + 1, i);
      const auto gradient = uniform(count_of(i) + 1, 9000 + i);
      for (std::size_t k = 0; k < static_cast<std::size_t>(count_of(i)); ++k) {
        REQUIRE(value[k] == before[k] - 0.25F * gradient[k]);  // the product is exact
        REQUIRE(copy[k] == bf16_rounded(value[k]));
        REQUIRE(copy[k] == bf16_value(bf16_bits(value[k])));
      }
      REQUIRE(value.back() == before.back());  // behind the end
      REQUIRE(copy.back() != copy.back());
      require_undamaged({&values[i], &gradients[i], &copies[i]});
    }
  }
}

TEST_CASE("Adam writes rounded copies of the parameters") {
  const Shape shape = channel_vector(37);
  for (std::size_t way = 0; way < arithmetics().size(); ++way) {
    const Arithmetic arithmetic(way);
    GuardedTensor value = filled(shape, {}, uniform(shape.c, 1));
    const GuardedTensor gradient = filled(shape, {}, uniform(shape.c, 2));
    GuardedTensor first = filled(shape, {}, uniform(shape.c, 3));
    GuardedTensor second = filled(shape, {}, uniform(shape.c, 4, 0.0F, 1.0F));
    GuardedTensor copy = poisoned(shape, {}, DType::bf16);
    const kernels::AdamParameter parameter{value.view().f32(),
                                           gradient.view().f32(),
                                           first.view().f32(),
                                           second.view().f32(),
                                           shape.c,
                                           0.01F,
                                           static_cast<std::uint16_t*>(copy.view().data)};
    run_call(test_stream(1), kernels::AdamStep{{}, 3, &parameter, 1});
    std::vector<float> rounded = value.values();
    CHECK(exact_difference(rounded, uniform(shape.c, 1)) != "");
    for (float& element : rounded) {
      element = bf16_rounded(element);
    }
    CHECK(exact_difference(copy.values(), rounded) == "");
    require_undamaged({&value, &gradient, &first, &second, &copy});
  }
}
