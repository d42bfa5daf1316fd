// SPDX-License-Identifier: Apache-2.0
// Every operation in bf16: on inputs that bf16 holds exactly, it must give what the f32 kernel
// gives, rounded once.
#include <functional>
#include <vector>

#include "accrete/kernels/bf16.h"
#include "accrete/kernels/kernels.h"
#include "kernels/every_run.h"
#include "kernels/scratch.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

std::vector<float> inputs(const Shape& shape, std::uint64_t seed) {
  std::vector<float> values = uniform(shape.elements(), seed);
  for (float& value : values) {
    value = bf16_rounded(value);
  }
  return values;
}

using Body = std::function<Outputs(const Run&)>;

// Sums in f32 differ in no way between the two, so that one rounding is all the difference there
// may be: half a unit of 2^-8.
void expect_rounded(const Body& body) {
  for (const std::size_t layout : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
    const Outputs exact = body({test_stream(0), layouts()[layout], layouts()[2], DType::f32});
    const Outputs got = body({test_stream(1), layouts()[layout], layouts()[2], DType::bf16});
    for (std::size_t k = 0; k < got.size(); ++k) {
      INFO("layout " << layout << ", output " << k);
      CHECK(difference(got[k], widened(exact[k]), {1e-6, 1.0 / 256.0}) == "");
      CHECK(exact_difference(got[k], exact[k]) != "");  // it was rounded at all
    }
  }
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{2, 5, 7, 16}, {1, 9, 8, 24}, {2, 3, 5, 13}};
  return all;
}

}  // namespace

TEST_CASE("element-wise operations in bf16") {
  for (const Shape& shape : shapes()) {
    INFO(to_string(shape));
    expect_rounded([&](const Run& run) -> Outputs {
      const GuardedTensor a = filled(shape, run.in, inputs(shape, 1), run.dtype);
      const GuardedTensor b = filled(shape, run.out, inputs(shape, 2), run.dtype);
      GuardedTensor sum = poisoned(shape, run.out, run.dtype);
      GuardedTensor accumulated = filled(shape, run.in, inputs(shape, 3), run.dtype);
      GuardedTensor dropped = poisoned(shape, run.out, run.dtype);
      GuardedTensor full = poisoned(shape, run.out, run.dtype);
      kernels::add(run.stream, a.view(), b.view(), sum.view());
      kernels::copy(run.stream, a.view(), accumulated.view(), GradMode::accumulate);
      kernels::dropout_forward(run.stream, 0.3F, {1, 2}, a.view(), dropped.view());
      kernels::fill(run.stream, full.view(), 0.1F);
      require_undamaged({&a, &b, &sum, &accumulated, &dropped, &full});
      return {sum.values(), accumulated.values(), dropped.values(), full.values()};
    });
  }
}

TEST_CASE("ReLU in bf16") {
  for (const Shape& shape : shapes()) {
    const GuardedTensor x = filled(shape, {}, inputs(shape, 1), DType::bf16);
    const GuardedTensor grad_y = filled(shape, layouts()[3], inputs(shape, 2), DType::bf16);
    GuardedTensor y = poisoned(shape, layouts()[2], DType::bf16);
    GuardedTensor grad_x = poisoned(shape, layouts()[1], DType::bf16);
    const Stream stream = test_stream(1);
    kernels::relu_forward(stream, x.view(), y.view());
    kernels::relu_backward(stream, grad_y.view(), y.view(), grad_x.view(), GradMode::overwrite);
    const auto before = x.values();
    const auto gradient = grad_y.values();
    const auto activation = y.values();
    const auto got = grad_x.values();
    for (std::size_t i = 0; i < before.size(); ++i) {
      REQUIRE(activation[i] == (before[i] > 0.0F ? before[i] : 0.0F));
      REQUIRE(got[i] == (before[i] > 0.0F ? gradient[i] : 0.0F));
    }
    require_undamaged({&x, &grad_y, &y, &grad_x});
  }
}

TEST_CASE("casts round to nearest even and back exactly") {
  const Shape shape{1, 1, 2, 8};
  const std::vector<float> values = {
      1.0F, 1.00390625F, 1.01171875F, -1.00390625F, 3.3e38F,    1e-30F,      0.0F,  -0.0F,
      0.1F, -0.3F,       65504.0F,    255.5F,       256.0F * 3, 1.0F / 3.0F, -2.5F, 7.0F};
  const GuardedTensor from = filled(shape, layouts()[3], values);
  GuardedTensor to = poisoned(shape, layouts()[2], DType::bf16);
  GuardedTensor back = poisoned(shape, layouts()[3]);
  kernels::cast(test_stream(0), from.view(), to.view());
  kernels::cast(test_stream(0), to.view(), back.view());
  require_undamaged({&from, &to, &back});
  CHECK(to.values()[1] == 1.0F);       // tie, to even
  CHECK(to.values()[2] == 1.015625F);  // tie, to even
  CHECK(exact_difference(back.values(), to.values()).empty());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(to.values()[i] == bf16_rounded(values[i]));
  }
}

TEST_CASE("pooling in bf16") {
  for (const Shape& shape : shapes()) {
    INFO(to_string(shape));
    PoolProblem problem{PoolKind::average, shape.n, shape.h, shape.w, shape.c, 3, 3, 2, 2, 1, 1};
    expect_rounded([&](const Run& run) -> Outputs {
      const GuardedTensor x = filled(shape, run.in, inputs(shape, 1), run.dtype);
      const GuardedTensor grad_y =
          filled(problem.y_shape(), run.out, inputs(problem.y_shape(), 2), run.dtype);
      GuardedTensor mean = poisoned(problem.y_shape(), run.out, run.dtype);
      GuardedTensor grad_mean = poisoned(shape, run.in, run.dtype);
      GuardedTensor winner(problem.y_shape(), {}, DType::u8);
      GuardedTensor peak = poisoned(problem.y_shape(), run.out, run.dtype);
      GuardedTensor grad_peak = filled(shape, run.in, inputs(shape, 3), run.dtype);
      GuardedTensor global = poisoned({shape.n, 1, 1, shape.c}, run.out, run.dtype);
      kernels::average_pool_forward(run.stream, problem, x.view(), mean.view());
      kernels::average_pool_backward(run.stream, problem, grad_y.view(), grad_mean.view(),
                                     GradMode::overwrite);
      kernels::max_pool_forward(run.stream, problem, x.view(), peak.view(), winner.view());
      kernels::max_pool_backward(run.stream, problem, grad_y.view(), winner.view(),
                                 grad_peak.view(), GradMode::accumulate);
      kernels::global_average_pool_forward(run.stream, x.view(), global.view());
      require_undamaged({&x, &grad_y, &mean, &grad_mean, &winner, &peak, &grad_peak, &global});
      return {mean.values(), grad_mean.values(), grad_peak.values(), global.values()};
    });
  }
}

TEST_CASE("batch norm in bf16") {
  for (const Shape& shape : shapes()) {
    INFO(to_string(shape));
    const Shape vector = channel_vector(shape.c);
    expect_rounded([&](const Run& run) -> Outputs {
      const GuardedTensor x = filled(shape, run.in, inputs(shape, 1), run.dtype);
      const GuardedTensor grad_y = filled(shape, run.out, inputs(shape, 2), run.dtype);
      const GuardedTensor gamma = filled(vector, {}, uniform(shape.c, 3));
      const GuardedTensor beta = filled(vector, {}, uniform(shape.c, 4));
      GuardedTensor running_mean = filled(vector, {}, uniform(shape.c, 5));
      GuardedTensor running_var = filled(vector, {}, uniform(shape.c, 6));
      GuardedTensor mean = poisoned(vector, {});
      GuardedTensor inv_std = poisoned(vector, {});
      GuardedTensor grad_gamma = poisoned(vector, {});
      GuardedTensor grad_beta = poisoned(vector, {});
      GuardedTensor y = poisoned(shape, run.out, run.dtype);
      GuardedTensor grad_x = poisoned(shape, run.in, run.dtype);
      kernels::BatchNormOptions options;
      options.relu = true;
      Scratch scratch(kernels::batch_norm_workspace_bytes(shape, test_device()));
      kernels::batch_norm_training(run.stream, options, x.view(), gamma.view(), beta.view(),
                                   running_mean.view(), running_var.view(), mean.view(),
                                   inv_std.view(), y.view(), scratch.workspace());
      kernels::batch_norm_backward(run.stream, options, grad_y.view(), x.view(), gamma.view(),
                                   beta.view(), mean.view(), inv_std.view(), grad_x.view(),
                                   GradMode::overwrite, grad_gamma.view(), grad_beta.view(),
                                   scratch.workspace());
      CHECK(scratch.intact());
      require_undamaged({&x, &grad_y, &y, &grad_x, &mean, &inv_std, &grad_gamma, &grad_beta});
      return {y.values(), grad_x.values()};
    });
  }
}

TEST_CASE("softmax cross-entropy in bf16") {
  const Shape shape{5, 1, 1, 10};
  expect_rounded([&](const Run& run) -> Outputs {
    const GuardedTensor logits = filled(shape, run.in, inputs(shape, 1), run.dtype);
    GuardedTensor labels({5, 1, 1, 1}, {}, DType::i32);
    labels.set_labels({0, 9, 3, 3, 5});
    GuardedTensor probabilities = poisoned(shape, run.out, run.dtype);
    GuardedTensor loss = poisoned({1, 1, 1, 1}, {});
    GuardedTensor correct = poisoned({1, 1, 1, 1}, {});
    kernels::softmax_cross_entropy_forward(run.stream, logits.view(), labels.view(),
                                           probabilities.view(), loss.view(), correct.view());
    return {probabilities.values()};
  });
}

// More parameters than one launch takes, some of them empty, some longer than a block's chunk.
TEST_CASE("updates write rounded copies of the parameters") {
  constexpr std::size_t kParameters = 700;
  const auto count_of = [](std::size_t i) {
    return static_cast<std::int64_t>(i % 97 == 0 ? 2500 : i % 5);
  };
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
  kernels::sgd_step(test_stream(1), {0.25F, 0.0F, false}, parameters.data(), kParameters);
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
