// SPDX-License-Identifier: Apache-2.0
// Wrong calls of convolutions and linear layers.
#include "kernels/conv_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

using namespace accrete::kernels;

const ConvProblem kProblem = {2, 5, 4, 3, 6, 3, 3, 1, 1, 1, 1};

// A valid set of tensors for kProblem, and the calls on it.
struct Tensors {
  GuardedTensor x = GuardedTensor(kProblem.x_shape());
  GuardedTensor weight = GuardedTensor(kProblem.weight_shape());
  GuardedTensor bias = GuardedTensor(channel_vector(kProblem.K));
  GuardedTensor y = GuardedTensor(kProblem.y_shape());
  Scratch scratch = Scratch(1 << 22);

  ConvForward forward() {
    return {.problem = kProblem, .x = x.view(), .weight = weight.view(), .y = y.view()};
  }
  ConvDgrad dgrad() {
    return {.problem = kProblem,
            .grad_y = {.g = y.view()},
            .weight = weight.view(),
            .grad_x = {.g = x.view()}};
  }
  ConvWgrad wgrad() {
    return {.problem = kProblem,
            .x = x.view(),
            .grad_y = {.g = y.view()},
            .grad_weight = weight.view()};
  }
  template <class Call>
  std::string error(const Call& call) {
    return error_of([&] { kernels::run(test_stream(0), call, scratch.workspace()); });
  }
  // What `change` makes wrong.
  template <class Call, class Change>
  std::string error(Call call, const Change& change) {
    change(call);
    return error(call);
  }
};

template <class Call>
std::string error_without_workspace(const Call& call) {
  return error_of([&] { kernels::run(test_stream(0), call); });
}

using Catch::Matchers::Contains;

std::string problem_error(const ConvProblem& problem) {
  return error_of([&] { check_conv_problem(problem); });
}

ConvProblem with(std::int64_t ConvProblem::*member, std::int64_t value) {
  ConvProblem problem = kProblem;
  problem.*member = value;
  return problem;
}

}  // namespace

TEST_CASE("check_conv_problem names the extent at fault") {
  CHECK_NOTHROW(check_conv_problem(kProblem));
  CHECK_THAT(problem_error(with(&ConvProblem::N, 0)), Contains("[conv_problem] N is 0"));
  CHECK_THAT(problem_error(with(&ConvProblem::C, -1)), Contains("C is -1, allowed are 1 to"));
  CHECK_THAT(problem_error(with(&ConvProblem::stride_w, 0)), Contains("stride_w is 0"));
  CHECK_THAT(problem_error(with(&ConvProblem::pad_h, -1)), Contains("pad_h is -1, allowed are 0"));
  CHECK_THAT(problem_error(with(&ConvProblem::K, std::int64_t{1} << 40)), Contains("K is "));
  CHECK_THAT(problem_error(with(&ConvProblem::R, 8)),
             Contains("R=8 exceeds the padded H=5+2*1 (x [2,5,4,3], weight [6,8,3,3])"));
  CHECK_THAT(problem_error(with(&ConvProblem::S, 7)), Contains("S=7 exceeds the padded W=4+2*1"));
  ConvProblem huge = kProblem;
  huge.N = huge.H = huge.W = 2147483647;
  CHECK_THAT(problem_error(huge), Contains("[conv_problem] x: impossible shape"));
}

TEST_CASE("conv_forward refuses tensors that contradict the problem") {
  Tensors t;
  const auto error = [&](auto change) { return t.error(t.forward(), change); };
  GuardedTensor slice(kProblem.weight_shape(), {0, 16});
  CHECK_THAT(error([&](ConvForward& c) { c.x = t.y.view(); }),
             Contains("[conv_forward] x is [2,5,4,6], expected [2,5,4,3]"));
  CHECK_THAT(error([&](ConvForward& c) { c.weight = t.x.view(); }),
             Contains("[conv_forward] weight is [2,5,4,3], expected [6,3,3,3]"));
  CHECK_THAT(error([&](ConvForward& c) { c.weight = slice.view(); }),
             Contains("weight [6,3,3,3] must be packed, has pitch 19"));
  CHECK_THAT(error([&](ConvForward& c) { c.bias = t.x.view(); }),
             Contains("bias is [2,5,4,3], expected [1,1,1,6]"));
  CHECK_THAT(error([&](ConvForward& c) { c.y = t.x.view(); }),
             Contains("y is [2,5,4,3], expected [2,5,4,6]"));
  CHECK_THAT(error([&](ConvForward& c) { c.y = {}; }), Contains("y has no data"));
  CHECK_THAT(error([&](ConvForward& c) { c.x.dtype = DType::u8; }),
             Contains("has no kernel for u8; it takes f32 or bf16"));
  CHECK_THAT(error([&](ConvForward& c) { c.x.dtype = DType::bf16; }),
             Contains("weight is f32, expected bf16"));
  CHECK_THAT(error([&](ConvForward& c) { c.problem.K = 0; }), Contains("K is 0"));
  CHECK_THAT(error([&](ConvForward& c) {
               c.x.device = {DeviceKind::cuda, 0};
             }),
             Contains("[conv_forward] x is on gpu(0), the stream on cpu"));
  CHECK_THAT(error_without_workspace(t.forward()),
             Contains("[conv_forward] workspace has 0 bytes, needs "));
}

TEST_CASE("conv gradients refuse tensors that contradict the problem") {
  Tensors t;
  const auto dgrad = [&](auto change) { return t.error(t.dgrad(), change); };
  CHECK_THAT(dgrad([&](ConvDgrad& c) { c.grad_y.g = t.x.view(); }),
             Contains("[conv_dgrad] grad_y.g is [2,5,4,3]"));
  CHECK_THAT(dgrad([&](ConvDgrad& c) { c.grad_x.g = t.y.view(); }),
             Contains("[conv_dgrad] grad_x.g is [2,5,4,6]"));
  CHECK_THAT(error_without_workspace(t.dgrad()), Contains("[conv_dgrad] workspace has 0 bytes"));
  const auto wgrad = [&](auto change) { return t.error(t.wgrad(), change); };
  CHECK_THAT(wgrad([&](ConvWgrad& c) { c.x = t.y.view(); }), Contains("[conv_wgrad] x is "));
  CHECK_THAT(wgrad([&](ConvWgrad& c) { c.grad_y.g = t.x.view(); }),
             Contains("grad_y.g is [2,5,4,3]"));
  CHECK_THAT(wgrad([&](ConvWgrad& c) { c.grad_weight = t.x.view(); }),
             Contains("grad_weight is [2,5,4,3]"));
  CHECK_THAT(error_without_workspace(t.wgrad()), Contains("workspace has 0 bytes"));
  const BiasGrad bias{t.y.view(), t.bias.view()};
  CHECK_THAT(t.error(bias, [&](BiasGrad& c) { c.grad_bias = t.x.view(); }),
             Contains("[bias_grad] grad_bias is [2,5,4,3], expected [1,1,1,6]"));
  CHECK_THAT(error_without_workspace(bias), Contains("[bias_grad] workspace has 0 bytes"));
}

TEST_CASE("a linear layer is a convolution of 1x1 images") {
  Tensors t;
  const ConvProblem linear = ConvProblem::linear(4, 8, 5);
  GuardedTensor x({4, 1, 1, 8});
  GuardedTensor weight({5, 1, 1, 8});
  GuardedTensor y({4, 1, 1, 5});
  const ConvForward forward{
      .problem = linear, .x = x.view(), .weight = weight.view(), .y = y.view()};
  CHECK_THAT(t.error(forward, [&](ConvForward& c) { c.x = y.view(); }),
             Contains("[conv_forward] x is [4,1,1,5], expected [4,1,1,8]"));
  CHECK_THAT(t.error(forward, [&](ConvForward& c) { c.weight = t.weight.view(); }),
             Contains("[conv_forward] weight is [6,3,3,3], expected [5,1,1,8]"));
  CHECK_THAT(t.error(ConvDgrad{.problem = linear,
                               .grad_y = {.g = y.view()},
                               .weight = weight.view(),
                               .grad_x = {.g = y.view()}}),
             Contains("[conv_dgrad] grad_x.g is [4,1,1,5], expected [4,1,1,8]"));
  CHECK_THAT(t.error(ConvWgrad{.problem = linear,
                               .x = x.view(),
                               .grad_y = {.g = y.view()},
                               .grad_weight = t.weight.view()}),
             Contains("[conv_wgrad] grad_weight is [6,3,3,3], expected [5,1,1,8]"));
}
