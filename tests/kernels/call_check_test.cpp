// SPDX-License-Identifier: Apache-2.0
// Calls that no kernel could survive: memory at odd addresses, null pointers, numbers that are no
// enumerators, negative counts. Each is one error that names the call and what is wrong.
#include <functional>
#include <limits>

#include "accrete/kernels/fused_conv.h"
#include "accrete/kernels/kernels.h"
#include "kernels/every_run.h"
#include "kernels/scratch.h"

using namespace accrete;
using namespace accrete::test;

namespace {

using Catch::Matchers::Contains;

const Shape kImages{2, 4, 4, 8};
const Shape kVector{1, 1, 1, 8};
const ConvProblem kConv = {2, 4, 4, 8, 8, 1, 1, 1, 1, 0, 0};
const PoolProblem kPool = {PoolKind::max, 2, 4, 4, 8, 2, 2, 2, 2, 0, 0, false};
const auto kNoMode = static_cast<GradMode>(7);

struct Tensors {
  GuardedTensor x{kImages}, y{kImages}, z{kImages}, weight{{8, 1, 1, 8}};
  GuardedTensor a{kVector}, b{kVector}, c{kVector}, d{kVector}, e{kVector}, f{kVector};
  GuardedTensor grad_weight{{8, 1, 1, 8}};
  Scratch scratch{1 << 22};
  Stream stream = test_stream(0);

  Workspace workspace() { return scratch.workspace(); }
  kernels::NormRelu norm() { return {a.view(), b.view(), c.view(), d.view()}; }
};

TensorView moved(TensorView view, std::int64_t bytes) {
  view.data = static_cast<unsigned char*>(view.data) + bytes;
  return view;
}

Workspace moved(const Workspace& workspace, std::int64_t bytes) {
  return {static_cast<unsigned char*>(workspace.data) + bytes,
          workspace.bytes - static_cast<std::size_t>(bytes)};
}

}  // namespace

TEST_CASE("workspaces start at a multiple of 64 bytes") {
  Tensors t;
  for (const std::int64_t bytes : {4, 16, 32}) {
    const Workspace odd = moved(t.workspace(), bytes);
    const auto refused = Contains("workspace must start at a multiple of 64 bytes, is " +
                                  std::to_string(bytes) + " beyond one");
    CHECK_THAT(error_of([&] {
                 kernels::conv_wgrad(t.stream, kConv, t.x.view(), t.y.view(), t.weight.view(),
                                     GradMode::overwrite, odd);
               }),
               Contains("[conv_wgrad]") && refused);
    CHECK_THAT(error_of([&] {
                 kernels::bias_grad(t.stream, t.y.view(), t.a.view(), GradMode::overwrite, odd);
               }),
               Contains("[bias_grad]") && refused);
    CHECK_THAT(error_of([&] {
                 kernels::batch_norm_training(t.stream, {}, t.x.view(), t.a.view(), t.b.view(),
                                              t.c.view(), t.d.view(), t.e.view(), t.f.view(),
                                              t.y.view(), odd);
               }),
               Contains("[batch_norm_training]") && refused);
    CHECK_THAT(error_of([&] {
                 kernels::channel_statistics(t.stream, t.x.view(),
                                             {t.a.view(), t.b.view(), t.c.view()}, odd);
               }),
               Contains("[channel_statistics]") && refused);
    CHECK_THAT(error_of([&] {
                 kernels::fused_conv_forward(t.stream, kConv, t.x.view(), t.norm(), t.weight.view(),
                                             {}, t.y.view(), {}, odd);
               }),
               Contains("[fused_conv_forward]") && refused);
  }
}

TEST_CASE("tensors start at a multiple of their elements") {
  Tensors t;
  CHECK_THAT(error_of([&] { kernels::relu_forward(t.stream, moved(t.x.view(), 2), t.y.view()); }),
             Contains("[relu_forward] x must start at a multiple of 4 bytes, is 2 beyond one"));
  CHECK_THAT(error_of([&] {
               kernels::batch_norm_inference(t.stream, {}, t.x.view(), t.a.view(),
                                             moved(t.b.view(), 1), t.c.view(), t.d.view(),
                                             t.y.view());
             }),
             Contains("[batch_norm_inference] beta must start at a multiple of 4 bytes"));
  GuardedTensor narrow(kImages, {}, DType::bf16);
  GuardedTensor out(kImages, {}, DType::bf16);
  CHECK_THAT(
      error_of([&] { kernels::relu_forward(t.stream, narrow.view(), moved(out.view(), 1)); }),
      Contains("[relu_forward] y must start at a multiple of 2 bytes"));
  CHECK_NOTHROW(kernels::relu_forward(t.stream, narrow.view(), out.view()));
}

TEST_CASE("views that span more than memory are refused") {
  Tensors t;
  TensorView wide = t.x.view();
  wide.pitch = std::int64_t{1} << 60;
  CHECK_THAT(error_of([&] { kernels::relu_forward(t.stream, wide, t.y.view()); }),
             Contains("[relu_forward] x [2,4,4,8] has pitch 1152921504606846976") &&
                 Contains("more than 2^40 elements"));
  TensorView huge = t.x.view();
  huge.shape = {std::int64_t{1} << 62, 4, 4, 8};
  CHECK_THAT(error_of([&] { kernels::fill(t.stream, huge, 0.0F); }),
             Contains("[fill] dst: impossible shape"));
  TensorView vector = t.a.view();
  vector.shape.c = -8;
  CHECK_THAT(error_of([&] { kernels::inverse_deviation(t.stream, vector, 1.0F, vector); }),
             Contains("[inverse_deviation] variance: impossible shape [1,1,1,-8]"));
}

TEST_CASE("modes are overwrite or accumulate") {
  Tensors t;
  const auto refused = Contains("mode is 7, must be overwrite or accumulate");
  GuardedTensor means({2, 1, 1, 8});
  GuardedTensor pooled({2, 2, 2, 8});
  GuardedTensor winner({2, 2, 2, 8}, {}, DType::u8);
  using namespace kernels;
  const std::vector<std::function<void()>> calls = {
      [&] { copy(t.stream, t.x.view(), t.y.view(), kNoMode); },
      [&] { relu_backward(t.stream, t.x.view(), t.y.view(), t.z.view(), kNoMode); },
      [&] { dropout_backward(t.stream, 0.5F, {}, t.x.view(), t.y.view(), kNoMode); },
      [&] {
        conv_dgrad(t.stream, kConv, t.y.view(), t.weight.view(), t.x.view(), kNoMode,
                   t.workspace());
      },
      [&] {
        conv_wgrad(t.stream, kConv, t.x.view(), t.y.view(), t.weight.view(), kNoMode,
                   t.workspace());
      },
      [&] { bias_grad(t.stream, t.x.view(), t.a.view(), kNoMode, t.workspace()); },
      [&] {
        linear_dgrad(t.stream, means.view(), t.weight.view(), means.view(), kNoMode, t.workspace());
      },
      [&] {
        linear_wgrad(t.stream, means.view(), means.view(), t.weight.view(), kNoMode, t.workspace());
      },
      [&] {
        max_pool_backward(t.stream, kPool, pooled.view(), winner.view(), t.x.view(), kNoMode);
      },
      [&] { average_pool_backward(t.stream, kPool, pooled.view(), t.x.view(), kNoMode); },
      [&] { global_average_pool_backward(t.stream, means.view(), t.x.view(), kNoMode); },
      [&] {
        batch_norm_backward(t.stream, {}, t.y.view(), t.x.view(), t.a.view(), t.b.view(),
                            t.c.view(), t.d.view(), t.z.view(), kNoMode, t.e.view(), t.f.view(),
                            t.workspace());
      },
      [&] {
        norm_relu_backward(t.stream, t.y.view(), t.x.view(), t.norm(),
                           {t.z.view(), {}, {}, t.e.view(), t.f.view(), kNoMode}, t.workspace());
      },
      [&] {
        fused_conv_dgrad(t.stream, kConv, {t.y.view(), {}, {}, {}, {}, {}}, t.weight.view(), {}, {},
                         {t.x.view(), {}, {}, {}, {}, kNoMode}, t.workspace());
      },
      [&] {
        fused_conv_wgrad(t.stream, kConv, t.x.view(), {}, {t.y.view(), {}, {}, {}, {}, {}},
                         t.weight.view(), kNoMode, t.workspace());
      },
      [&] {
        fused_conv_backward(t.stream, kConv, t.x.view(), {}, t.weight.view(),
                            {t.y.view(), {}, {}, {}, {}, {}},
                            {t.z.view(), {}, {}, {}, {}, GradMode::overwrite}, t.grad_weight.view(),
                            kNoMode, t.workspace());
      }};
  for (const auto& call : calls) {
    CHECK_THAT(error_of(call), refused);
  }
}

TEST_CASE("dtypes that are none are refused") {
  Tensors t;
  const auto none = static_cast<DType>(200);
  TensorView x = t.x.view();
  x.dtype = none;
  CHECK_THAT(error_of([&] { kernels::fill(t.stream, x, 0.0F); }),
             Contains("[fill] has no kernel for ?; it takes f32 or bf16"));
  CHECK_THAT(error_of([&] { kernels::cast(t.stream, t.y.view(), x); }), Contains("[cast] has no"));
  for (const DType dtype : {none, DType::u8, DType::i32}) {
    CHECK_THAT(error_of([&] { kernels::conv_wgrad_workspace_bytes(kConv, {}, dtype); }),
               Contains("[conv_wgrad_workspace_bytes] has no kernel for "));
    CHECK_THAT(error_of([&] { kernels::fused_conv_dgrad_workspace_bytes(kConv, {}, dtype); }),
               Contains("[fused_conv_dgrad_workspace_bytes] has no kernel for "));
    CHECK_THAT(error_of([&] { kernels::linear_workspace_bytes(2, 8, 8, {}, dtype); }),
               Contains("has no kernel for "));
  }
}

TEST_CASE("lists of parameters are what they say") {
  float value[4] = {};
  kernels::SgdParameter sgd{value, value, nullptr, 4, 0.0F, nullptr};
  const auto step = [&](std::int64_t count) {
    return error_of([&] { kernels::sgd_step(test_stream(0), {}, &sgd, count); });
  };
  CHECK_THAT(step(-1), Contains("[sgd_step] got -1 parameters"));
  sgd.count = -4;
  CHECK_THAT(step(1), Contains("[sgd_step] parameter 0 has count -4"));
  sgd.count = std::numeric_limits<std::int64_t>::max();
  CHECK_THAT(step(1), Contains("at most 2^40 in all"));
  sgd.count = 2;
  sgd.gradient = nullptr;
  CHECK_THAT(step(1), Contains("parameter 0 of 2 elements has no gradient"));
  sgd.gradient = reinterpret_cast<const float*>(reinterpret_cast<const char*>(value) + 1);
  CHECK_THAT(step(1), Contains("[sgd_step] gradient must start at a multiple of 4 bytes"));
  sgd.gradient = value + 2;
  sgd.rounded = reinterpret_cast<std::uint16_t*>(reinterpret_cast<char*>(value) + 1);
  CHECK_THAT(step(1), Contains("[sgd_step] rounded must start at a multiple of 2 bytes"));
  kernels::AdamParameter adam;
  adam.count = -1;
  CHECK_THAT(error_of([&] { kernels::adam_step(test_stream(0), {}, 1, &adam, 1); }),
             Contains("[adam_step] parameter 0 has count -1"));
}

TEST_CASE("running statistics are what they say") {
  float value[8] = {};
  kernels::RunningStatistics statistics{value, value + 2, value + 4, value + 6, 2, 4, 0.1F};
  const auto update = [&](const kernels::RunningStatistics* list, std::int64_t count) {
    return error_of([&] { kernels::update_running_statistics(test_stream(0), list, count); });
  };
  CHECK_THAT(update(nullptr, 1), Contains("[update_running_statistics] no list of 1"));
  CHECK_THAT(update(&statistics, -1), Contains("no list of -1"));
  statistics.channels = -2;
  CHECK_THAT(update(&statistics, 1), Contains("has -2 channels"));
  statistics.channels = 2;
  statistics.mean = reinterpret_cast<const float*>(reinterpret_cast<const char*>(value) + 2);
  CHECK_THAT(update(&statistics, 1), Contains("must start at a multiple of 4 bytes"));
}

TEST_CASE("tickets of a stream are what they say") {
  Tensors t;
  const Stream broken = t.stream.with_tickets({nullptr, 5});
  CHECK_THAT(error_of([&] {
               kernels::bias_grad(broken, t.y.view(), t.a.view(), GradMode::overwrite,
                                  t.workspace());
             }),
             Contains("[bias_grad] the stream has 5 tickets at a null pointer"));
}
