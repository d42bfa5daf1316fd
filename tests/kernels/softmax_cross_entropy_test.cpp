// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/loss.h"

#include <cmath>
#include <limits>

#include "kernels/every_run.h"
#include "reference/operations.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

GuardedTensor label_tensor(const std::vector<std::int32_t>& labels, Layout layout) {
  GuardedTensor tensor({static_cast<std::int64_t>(labels.size()), 1, 1, 1}, layout, DType::i32);
  tensor.set_labels(labels);
  return tensor;
}

struct ForwardResult {
  std::vector<float> probabilities, loss, correct;
};

ForwardResult run_forward(const Shape& shape, const std::vector<float>& x,
                          const std::vector<std::int32_t>& labels, const Run& run, bool in_place) {
  GuardedTensor logits = filled(shape, run.in, x);
  const GuardedTensor targets = label_tensor(labels, run.out);
  GuardedTensor probabilities = poisoned(shape, run.out);
  GuardedTensor loss = poisoned({1, 1, 1, 1}, {});
  GuardedTensor correct = poisoned({1, 1, 1, 1}, {});
  GuardedTensor& target = in_place ? logits : probabilities;
  run_call(run.stream,
           kernels::SoftmaxCrossEntropyForward{logits.view(), targets.view(), target.view(),
                                               loss.view(), correct.view()});
  require_undamaged({&logits, &targets, &probabilities, &loss, &correct});
  return {target.values(), loss.values(), correct.values()};
}

// Loss of three rows where the middle one is changed.
ForwardResult with_middle_row(const std::vector<float>& row, std::int32_t label) {
  std::vector<float> x = {0.0F, 1.0F, 2.0F};
  x.insert(x.end(), row.begin(), row.end());
  x.insert(x.end(), {2.0F, 1.0F, 0.0F});
  return run_forward({3, 1, 1, 3}, x, {2, label, 0}, {test_stream(1), {}, {}}, false);
}

}  // namespace

TEST_CASE("softmax cross-entropy forward and backward on every shape and placement") {
  for (const std::int64_t n : {1, 2, 7, 64, 1100}) {
    for (const std::int64_t c : {1, 2, 3, 10, 16, 33, 100}) {
      const Shape shape{n, 1, 1, c};
      INFO("shape " << to_string(shape));
      const auto x = uniform(shape.elements(), 1, -6.0F, 6.0F);
      const auto targets = labels(n, 2, static_cast<int>(c));
      const auto expected =
          reference::softmax_cross_entropy(static_cast<std::size_t>(c), widened(x), targets);
      const Tolerance gradient = {2e-7 / static_cast<double>(n), 1e-6};
      expect_every_run({{expected.probabilities, {1e-9, 1e-6}},
                        {{expected.loss}, {1e-6, 1e-6}},
                        {{expected.correct}, {}},
                        {expected.probabilities, {1e-9, 1e-6}},
                        {expected.grad_logits, gradient},
                        {expected.grad_logits, gradient}},
                       [&](const Run& run) -> Outputs {
                         const ForwardResult forward = run_forward(shape, x, targets, run, false);
                         const ForwardResult in_place = run_forward(shape, x, targets, run, true);
                         GuardedTensor p = filled(shape, run.in, forward.probabilities);
                         const GuardedTensor label_view = label_tensor(targets, run.in);
                         GuardedTensor grad = poisoned(shape, run.out);
                         for (const TensorView& to : {grad.view(), p.view()}) {
                           run_call(run.stream, kernels::SoftmaxCrossEntropyBackward{
                                                    p.view(), label_view.view(), to});
                         }
                         require_undamaged({&p, &grad});
                         REQUIRE(exact_difference(in_place.loss, forward.loss).empty());
                         return {forward.probabilities,  forward.loss,  forward.correct,
                                 in_place.probabilities, grad.values(), p.values()};
                       });
    }
  }
}

TEST_CASE("softmax_cross_entropy_backward agrees with finite differences of the loss") {
  const Shape shape{4, 1, 1, 5};
  const auto x = uniform(shape.elements(), 3, -2.0F, 2.0F);
  const auto targets = labels(4, 4, 5);
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto above = widened(x);
    auto below = above;
    above[i] += 1e-5;
    below[i] -= 1e-5;
    slopes.push_back((reference::softmax_cross_entropy(5, above, targets).loss -
                      reference::softmax_cross_entropy(5, below, targets).loss) /
                     2e-5);
  }
  expect_every_run({{slopes, {1e-6, 1e-6}}}, [&](const Run& run) -> Outputs {
    const ForwardResult forward = run_forward(shape, x, targets, run, false);
    const GuardedTensor p = filled(shape, run.in, forward.probabilities);
    const GuardedTensor label_view = label_tensor(targets, {});
    GuardedTensor grad = poisoned(shape, run.out);
    run_call(run.stream,
             kernels::SoftmaxCrossEntropyBackward{p.view(), label_view.view(), grad.view()});
    return {grad.values()};
  });
}

TEST_CASE("large logits neither overflow nor lose the loss") {
  const ForwardResult r = with_middle_row({1e30F, -1e30F, 0.0F}, 0);
  CHECK(std::isfinite(r.loss[0]));
  CHECK(r.correct[0] == 3.0F);
  CHECK(r.probabilities[3] == 1.0F);
  CHECK(with_middle_row({300.0F, 0.0F, 0.0F}, 1).loss[0] > 100.0F);
}

TEST_CASE("a logit that is NaN or infinite makes the loss NaN and is never correct") {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    for (const std::size_t where : {0U, 1U, 2U}) {
      for (const std::int32_t label : {0, 1, 2}) {
        INFO("logit " << bad << " at " << where << ", label " << label);
        std::vector<float> row = {0.0F, 0.0F, 0.0F};
        row[where] = bad;
        const ForwardResult r = with_middle_row(row, label);
        CHECK(std::isnan(r.loss[0]));
        CHECK(r.correct[0] == 2.0F);
      }
    }
  }
}

TEST_CASE("a label outside the classes makes the loss NaN and marks no class") {
  for (const std::int32_t label : {-1, 3, std::numeric_limits<std::int32_t>::min()}) {
    INFO("label " << label);
    const ForwardResult r = with_middle_row({0.0F, 1.0F, 0.0F}, label);
    CHECK(std::isnan(r.loss[0]));
    CHECK(r.correct[0] == 2.0F);
    const Shape shape{1, 1, 1, 3};
    const GuardedTensor p = filled(shape, {}, {0.25F, 0.5F, 0.25F});
    const GuardedTensor target = label_tensor({label}, {});
    GuardedTensor grad = poisoned(shape, {});
    run_call(test_stream(0),
             kernels::SoftmaxCrossEntropyBackward{p.view(), target.view(), grad.view()});
    CHECK(exact_difference(grad.values(), p.values()) == "");
  }
}

TEST_CASE("ties count for the first class") {
  CHECK(with_middle_row({1.0F, 1.0F, 0.0F}, 0).correct[0] == 3.0F);
  CHECK(with_middle_row({1.0F, 1.0F, 0.0F}, 1).correct[0] == 2.0F);
}

TEST_CASE("softmax cross-entropy errors name the op and both shapes") {
  const auto error = [](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call); });
  };
  GuardedTensor logits({4, 1, 1, 10});
  GuardedTensor image({4, 2, 1, 10});
  GuardedTensor targets({4, 1, 1, 1}, {}, DType::i32);
  GuardedTensor one({1, 1, 1, 1});
  CHECK(error(kernels::SoftmaxCrossEntropyForward{image.view(), targets.view(), image.view(),
                                                  one.view(), one.view()}) ==
        "[softmax_cross_entropy_forward] logits is [4,2,1,10], expected [4,1,1,10]");
  CHECK(error(kernels::SoftmaxCrossEntropyForward{logits.view(), one.view(), logits.view(),
                                                  one.view(), one.view()}) ==
        "[softmax_cross_entropy_forward] labels is [1,1,1,1], expected [4,1,1,1]");
  CHECK(error(kernels::SoftmaxCrossEntropyBackward{logits.view(), targets.view(), one.view()}) ==
        "[softmax_cross_entropy_backward] grad_logits is [1,1,1,1], expected [4,1,1,10]");
}
