// SPDX-License-Identifier: Apache-2.0
// Wrong calls of the convolution and linear entry points.
#include "accrete/kernels/linear.h"
#include "kernels/conv_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

const ConvProblem kProblem = {2, 5, 4, 3, 6, 3, 3, 1, 1, 1, 1};

// A valid set of tensors for kProblem.
struct Tensors {
  GuardedTensor x = GuardedTensor(kProblem.x_shape());
  GuardedTensor weight = GuardedTensor(kProblem.weight_shape());
  GuardedTensor bias = GuardedTensor(channel_vector(kProblem.K));
  GuardedTensor y = GuardedTensor(kProblem.y_shape());
  Scratch scratch = Scratch(1 << 22);
  Stream stream = test_stream(0);
};

using Catch::Matchers::Contains;

std::string forward_error(Tensors& t, const ConvProblem& problem, ConstTensorView x,
                          ConstTensorView weight, ConstTensorView bias, TensorView y,
                          Workspace workspace) {
  return error_of([&] { kernels::conv_forward(t.stream, problem, x, weight, bias, y, workspace); });
}

std::string problem_error(ConvProblem problem) {
  return error_of([&] { kernels::check_conv_problem(problem); });
}

ConvProblem with(std::int64_t ConvProblem::*member, std::int64_t value) {
  ConvProblem problem = kProblem;
  problem.*member = value;
  return problem;
}

}  // namespace

TEST_CASE("check_conv_problem names the extent at fault") {
  CHECK_NOTHROW(kernels::check_conv_problem(kProblem));
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
  const Workspace ws = t.scratch.workspace();
  GuardedTensor slice(kProblem.weight_shape(), {0, 16});
  const auto error = [&](ConstTensorView x, ConstTensorView weight, ConstTensorView bias,
                         TensorView y, Workspace workspace) {
    return forward_error(t, kProblem, x, weight, bias, y, workspace);
  };
  CHECK_THAT(error(t.y.view(), t.weight.view(), {}, t.y.view(), ws),
             Contains("[conv_forward] x is [2,5,4,6], expected [2,5,4,3]"));
  CHECK_THAT(error(t.x.view(), t.x.view(), {}, t.y.view(), ws),
             Contains("[conv_forward] weight is [2,5,4,3], expected [6,3,3,3]"));
  CHECK_THAT(error(t.x.view(), slice.view(), {}, t.y.view(), ws),
             Contains("weight [6,3,3,3] must be packed, has pitch 19"));
  CHECK_THAT(error(t.x.view(), t.weight.view(), t.x.view(), t.y.view(), ws),
             Contains("bias is [2,5,4,3], expected [1,1,1,6]"));
  CHECK_THAT(error(t.x.view(), t.weight.view(), {}, t.x.view(), ws),
             Contains("y is [2,5,4,3], expected [2,5,4,6]"));
  CHECK_THAT(error(t.x.view(), t.weight.view(), {}, TensorView(), ws), Contains("y has no data"));
  CHECK_THAT(error(t.x.view(), t.weight.view(), {}, t.y.view(), {}),
             Contains("[conv_forward] workspace has 0 bytes, needs "));
  TensorView bytes = t.x.view();
  bytes.dtype = DType::u8;
  CHECK_THAT(error(bytes, t.weight.view(), {}, t.y.view(), ws),
             Contains("has no kernel for u8; it takes f32 or bf16"));
  TensorView narrow = t.x.view();
  narrow.dtype = DType::bf16;
  CHECK_THAT(error(narrow, t.weight.view(), {}, t.y.view(), ws),
             Contains("weight is f32, expected bf16"));
  CHECK_THAT(
      forward_error(t, with(&ConvProblem::K, 0), t.x.view(), t.weight.view(), {}, t.y.view(), ws),
      Contains("K is 0"));
}

TEST_CASE("conv gradients refuse tensors that contradict the problem") {
  Tensors t;
  const Workspace ws = t.scratch.workspace();
  const auto dgrad = [&](ConstTensorView grad_y, TensorView grad_x, Workspace workspace) {
    return error_of([&] {
      kernels::conv_dgrad(t.stream, kProblem, grad_y, t.weight.view(), grad_x, GradMode::overwrite,
                          workspace);
    });
  };
  CHECK_THAT(dgrad(t.x.view(), t.x.view(), ws), Contains("[conv_dgrad] grad_y is [2,5,4,3]"));
  CHECK_THAT(dgrad(t.y.view(), t.y.view(), ws), Contains("[conv_dgrad] grad_x is [2,5,4,6]"));
  CHECK_THAT(dgrad(t.y.view(), t.x.view(), {}), Contains("[conv_dgrad] workspace has 0 bytes"));
  const auto wgrad = [&](ConstTensorView x, ConstTensorView grad_y, TensorView grad_weight,
                         Workspace workspace) {
    return error_of([&] {
      kernels::conv_wgrad(t.stream, kProblem, x, grad_y, grad_weight, GradMode::overwrite,
                          workspace);
    });
  };
  CHECK_THAT(wgrad(t.y.view(), t.y.view(), t.weight.view(), ws), Contains("[conv_wgrad] x is "));
  CHECK_THAT(wgrad(t.x.view(), t.x.view(), t.weight.view(), ws), Contains("grad_y is [2,5,4,3]"));
  CHECK_THAT(wgrad(t.x.view(), t.y.view(), t.x.view(), ws), Contains("grad_weight is [2,5,4,3]"));
  CHECK_THAT(wgrad(t.x.view(), t.y.view(), t.weight.view(), {}), Contains("workspace has 0 bytes"));
}

TEST_CASE("bias_grad and linear calls refuse contradictions") {
  Tensors t;
  const Workspace ws = t.scratch.workspace();
  CHECK_THAT(error_of([&] {
               kernels::bias_grad(t.stream, t.y.view(), t.x.view(), GradMode::overwrite, ws);
             }),
             Contains("[bias_grad] grad_bias is [2,5,4,3], expected [1,1,1,6]"));
  CHECK_THAT(error_of([&] {
               kernels::bias_grad(t.stream, t.y.view(), t.bias.view(), GradMode::overwrite, {});
             }),
             Contains("[bias_grad] workspace has 0 bytes"));
  GuardedTensor rows(Shape{4, 1, 1, 8});
  GuardedTensor weight(Shape{5, 1, 1, 8});
  GuardedTensor out(Shape{4, 1, 1, 5});
  CHECK_THAT(error_of([&] {
               kernels::linear_forward(t.stream, out.view(), weight.view(), {}, out.view(), ws);
             }),
             Contains("[linear_forward] x is [4,1,1,5], expected [4,1,1,8]"));
  CHECK_THAT(error_of([&] {
               kernels::linear_forward(t.stream, t.x.view(), t.weight.view(), {}, out.view(), ws);
             }),
             Contains("[linear_forward] weight is [6,3,3,3], expected [6,1,1,3]"));
  CHECK_THAT(error_of([&] {
               kernels::linear_dgrad(t.stream, out.view(), weight.view(), out.view(),
                                     GradMode::overwrite, ws);
             }),
             Contains("[linear_dgrad] grad_x is [4,1,1,5], expected [4,1,1,8]"));
  CHECK_THAT(error_of([&] {
               kernels::linear_wgrad(t.stream, rows.view(), out.view(), t.weight.view(),
                                     GradMode::overwrite, ws);
             }),
             Contains("[linear_wgrad] grad_weight is [6,3,3,3], expected [6,1,1,3]"));
}

TEST_CASE("a tensor on another device than the stream is refused") {
  Tensors t;
  TensorView elsewhere = t.x.view();
  elsewhere.device = Device{DeviceKind::cuda, 0};
  CHECK_THAT(forward_error(t, kProblem, elsewhere, t.weight.view(), {}, t.y.view(), Workspace()),
             Contains("[conv_forward] x is on gpu(0), the stream on cpu"));
}
