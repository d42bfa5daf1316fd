// SPDX-License-Identifier: Apache-2.0
// Calls that no kernel could survive: memory at odd addresses, null pointers, numbers that are no
// enumerators, negative counts, parts of which something is missing. Each is one error that names
// the call and what is wrong. And what is said of calls before there is memory.
#include <functional>
#include <limits>

#include "accrete/kernels/kernels.h"
#include "kernels/every_run.h"

using namespace accrete;
using namespace accrete::test;

namespace {

using namespace accrete::kernels;
using Catch::Matchers::Contains;

const Shape kImages{2, 4, 4, 8};
const Shape kPooled{2, 2, 2, 8};
const Shape kVector{1, 1, 1, 8};
const ConvProblem kConv = {2, 4, 4, 8, 8, 1, 1, 1, 1, 0, 0};
const PoolProblem kPool = {PoolKind::max, 2, 4, 4, 8, 2, 2, 2, 2, 0, 0, false};
const auto kNoMode = static_cast<GradMode>(7);

struct Tensors {
  GuardedTensor x{kImages}, y{kImages}, z{kImages}, to{kImages}, weight{{8, 1, 1, 8}};
  GuardedTensor a{kVector}, b{kVector}, c{kVector}, d{kVector}, e{kVector}, f{kVector};
  GuardedTensor g{kVector}, h{kVector}, grad_weight{{8, 1, 1, 8}};
  GuardedTensor means{{2, 1, 1, 8}}, pooled{kPooled};
  GuardedTensor winner{kPooled, {}, DType::u8};
  Scratch scratch{1 << 22};
  Stream stream = test_stream(0);

  bool planned = false;  // without data
  TensorView at(GuardedTensor& tensor) const {
    TensorView view = tensor.view();
    view.data = planned ? nullptr : view.data;
    return view;
  }
  NormRelu norm() { return {at(a), at(b), at(c), at(d)}; }
  NormReluGradient through_norm() { return {at(to), at(e), at(f), at(g), at(h)}; }
  StatisticsOutput statistics() { return {at(e), at(f), at(g)}; }
  DeferredGradient due() { return {at(y), at(x), at(a), at(b), at(c), at(d)}; }

  template <class Call>
  std::string error(const Call& call, std::int64_t workspace_offset = 0) {
    const Workspace all = scratch.workspace();
    return error_of([&] {
      kernels::run(stream, call,
                   {static_cast<unsigned char*>(all.data) + workspace_offset,
                    all.bytes - static_cast<std::size_t>(workspace_offset)});
    });
  }
};

ConvForward full_forward(Tensors& t) {
  return {kConv, t.at(t.x), t.norm(), t.at(t.weight), {}, t.at(t.y), t.statistics()};
}
ConvDgrad full_dgrad(Tensors& t) {
  return {kConv, t.due(), t.at(t.weight), t.at(t.z), t.norm(), t.through_norm()};
}
ConvBackward full_backward(Tensors& t) {
  return {kConv,   t.at(t.z),        t.norm(),           t.at(t.weight),
          t.due(), t.through_norm(), t.at(t.grad_weight)};
}

// body(call) for calls with every part they may have.
template <class Body>
void each_full_call(Tensors& t, const Body& body) {
  const ConstTensorView x = t.at(t.x), means = t.at(t.means);
  const TensorView pooled = t.at(t.pooled), winner = t.at(t.winner);
  const NormRelu norm = t.norm();
  const NormReluGradient grad_x = t.through_norm();
  body(full_forward(t));
  body(full_dgrad(t));
  body(ConvWgrad{kConv, t.at(t.z), norm, t.due(), t.at(t.grad_weight)});
  body(full_backward(t));
  body(MaxPoolForward{kPool, x, norm, pooled, winner, t.statistics()});
  body(MaxPoolBackward{kPool, {.g = pooled}, winner, x, norm, grad_x});
  body(AveragePoolForward{kPool, x, norm, pooled});
  body(AveragePoolBackward{kPool, pooled, x, norm, grad_x});
  body(GlobalAveragePoolForward{x, norm, t.at(t.means)});
  body(GlobalAveragePoolBackward{means, x, norm, grad_x});
  body(ChannelStatistics{x, t.statistics()});
  body(NormReluBackward{t.at(t.y), x, norm, grad_x});
  body(ApplyDeferredGradient{t.due(), t.at(t.to)});
}

// The call with one member of a part emptied, for all of them.
template <class Call, class Part, class Member, class Body>
void without_each(const Call& call, Part Call::*part, const std::vector<Member Part::*>& members,
                  const Body& body) {
  for (const auto member : members) {
    Call broken = call;
    (broken.*part).*member = {};
    body(broken);
  }
}

const std::vector<ConstTensorView NormRelu::*> kNormMembers = {&NormRelu::mean, &NormRelu::inv_std,
                                                               &NormRelu::gamma, &NormRelu::beta};
const std::vector<TensorView StatisticsOutput::*> kStatisticsMembers = {
    &StatisticsOutput::mean, &StatisticsOutput::variance, &StatisticsOutput::inv_std};
const std::vector<ConstTensorView DeferredGradient::*> kDeferredMembers = {
    &DeferredGradient::y, &DeferredGradient::mean, &DeferredGradient::inv_std, &DeferredGradient::a,
    &DeferredGradient::b};
const std::vector<TensorView NormReluGradient::*> kGradientMembers = {
    &NormReluGradient::a, &NormReluGradient::b, &NormReluGradient::grad_gamma,
    &NormReluGradient::grad_beta};

// How messages of this call begin.
template <class Call>
std::string named(const Call& /*call*/) {
  return std::string("[").append(Call::kName).append("] ");
}

TensorView moved(TensorView view, std::int64_t bytes) {
  view.data = static_cast<unsigned char*>(view.data) + bytes;
  return view;
}

}  // namespace

TEST_CASE("workspaces start at a multiple of 64 bytes") {
  Tensors t;
  for (const std::int64_t bytes : {4, 16, 32}) {
    const auto refuses = [&](const auto& call) {
      CHECK_THAT(
          t.error(call, bytes),
          Contains(named(call)) && Contains("workspace must start at a multiple of 64 bytes, is " +
                                            std::to_string(bytes) + " beyond one"));
    };
    refuses(ConvWgrad{.problem = kConv,
                      .x = t.x.view(),
                      .grad_y = {.g = t.y.view()},
                      .grad_weight = t.grad_weight.view()});
    refuses(BiasGrad{t.y.view(), t.a.view()});
    refuses(BatchNormTraining{{},
                              t.x.view(),
                              t.a.view(),
                              t.b.view(),
                              t.c.view(),
                              t.d.view(),
                              t.e.view(),
                              t.f.view(),
                              t.y.view()});
    refuses(ChannelStatistics{t.x.view(), t.statistics()});
    refuses(ConvForward{.problem = kConv,
                        .x = t.x.view(),
                        .norm = t.norm(),
                        .weight = t.weight.view(),
                        .y = t.y.view()});
  }
}

TEST_CASE("tensors start at a multiple of their elements") {
  Tensors t;
  CHECK_THAT(t.error(ReluForward{moved(t.x.view(), 2), t.y.view()}),
             Contains("[relu_forward] x must start at a multiple of 4 bytes, is 2 beyond one"));
  CHECK_THAT(
      t.error(BatchNormInference{
          {}, t.x.view(), t.a.view(), moved(t.b.view(), 1), t.c.view(), t.d.view(), t.y.view()}),
      Contains("[batch_norm_inference] beta must start at a multiple of 4 bytes"));
  GuardedTensor narrow(kImages, {}, DType::bf16);
  GuardedTensor out(kImages, {}, DType::bf16);
  CHECK_THAT(t.error(ReluForward{narrow.view(), moved(out.view(), 1)}),
             Contains("[relu_forward] y must start at a multiple of 2 bytes"));
  CHECK_NOTHROW(kernels::run(t.stream, ReluForward{narrow.view(), out.view()}));
}

TEST_CASE("views that span more than memory are refused") {
  Tensors t;
  TensorView wide = t.x.view();
  wide.pitch = std::int64_t{1} << 60;
  CHECK_THAT(t.error(ReluForward{wide, t.y.view()}),
             Contains("[relu_forward] x [2,4,4,8] has pitch 1152921504606846976") &&
                 Contains("more than 2^40 elements"));
  TensorView huge = t.x.view();
  huge.shape = {std::int64_t{1} << 62, 4, 4, 8};
  CHECK_THAT(t.error(Fill{huge}), Contains("[fill] dst: impossible shape"));
  TensorView vector = t.a.view();
  vector.shape.c = -8;
  CHECK_THAT(t.error(InverseDeviation{vector, 1.0F, vector}),
             Contains("[inverse_deviation] variance: impossible shape [1,1,1,-8]"));
}

TEST_CASE("modes are overwrite or accumulate") {
  Tensors t;
  const auto refuses = [&](const auto& call) {
    CHECK_THAT(t.error(call), Contains("mode is 7, must be overwrite or accumulate"));
  };
  const NormReluGradient plain{.g = t.z.view(), .mode = kNoMode};
  NormReluGradient through = t.through_norm();
  through.mode = kNoMode;
  refuses(Copy{t.x.view(), t.y.view(), kNoMode});
  refuses(ReluBackward{t.x.view(), t.y.view(), t.z.view(), kNoMode});
  refuses(Dropout{0.5F, {}, t.x.view(), t.y.view(), kNoMode});
  refuses(ConvDgrad{kConv, {.g = t.y.view()}, t.weight.view(), {}, {}, plain});
  refuses(ConvDgrad{kConv, t.due(), t.weight.view(), t.x.view(), t.norm(), through});
  refuses(ConvWgrad{kConv, t.x.view(), {}, {.g = t.y.view()}, t.grad_weight.view(), kNoMode});
  refuses(ConvBackward{kConv,
                       t.x.view(),
                       {},
                       t.weight.view(),
                       {.g = t.y.view()},
                       {.g = t.z.view()},
                       t.grad_weight.view(),
                       kNoMode});
  refuses(BiasGrad{t.x.view(), t.a.view(), kNoMode});
  refuses(MaxPoolBackward{kPool, {.g = t.pooled.view()}, t.winner.view(), {}, {}, plain});
  refuses(AveragePoolBackward{kPool, t.pooled.view(), {}, {}, plain});
  refuses(GlobalAveragePoolBackward{t.means.view(), {}, {}, plain});
  refuses(BatchNormBackward{t.y.view(), t.x.view(), t.norm(), false, false, t.z.view(), kNoMode,
                            t.e.view(), t.f.view()});
  refuses(NormReluBackward{t.y.view(), t.x.view(), t.norm(), through});
}

TEST_CASE("dtypes that are none are refused") {
  Tensors t;
  const auto none = static_cast<DType>(200);
  TensorView x = t.x.view();
  x.dtype = none;
  CHECK_THAT(t.error(Fill{x}), Contains("[fill] has no kernel for ?; it takes f32 or bf16"));
  CHECK_THAT(t.error(Copy{t.y.view(), x}), Contains("[copy] has no kernel for ?"));
  for (const DType dtype : {none, DType::u8, DType::i32}) {
    x.dtype = dtype;
    const ConvWgrad wgrad{
        .problem = kConv, .x = x, .grad_y = {.g = x}, .grad_weight = t.weight.view()};
    CHECK_THAT(error_of([&] { kernels::workspace_bytes(wgrad, {}); }),
               Contains("[conv_wgrad] has no kernel for "));
    const ConvDgrad dgrad{.problem = kConv, .grad_y = {.g = x}, .weight = x, .grad_x = {.g = x}};
    CHECK_THAT(error_of([&] { kernels::cost(dgrad); }),
               Contains("[conv_dgrad] has no kernel for "));
  }
}

TEST_CASE("parts of which something is missing are refused") {
  Tensors t;
  each_full_call(t, [&](const auto& call) {
    INFO(call.kName);
    CHECK_NOTHROW(kernels::run(t.stream, call, t.scratch.workspace()));
  });
  const auto refused = [&](const auto& call) {
    INFO(call.kName);
    CHECK_THAT(t.error(call),
               Contains(named(call)) && (Contains(" has no data") || Contains("without a norm") ||
                                         Contains("normalised")));
  };
  each_full_call(t, [&](const auto& call) {
    using Call = std::decay_t<decltype(call)>;
    if constexpr (requires { call.norm; }) {
      without_each(call, &Call::norm, kNormMembers, refused);
    }
    if constexpr (requires { call.statistics; }) {
      without_each(call, &Call::statistics, kStatisticsMembers, refused);
    }
    if constexpr (requires { call.grad_x.grad_gamma; }) {
      without_each(call, &Call::grad_x, kGradientMembers, refused);
    }
    if constexpr (requires { call.gradient.a; }) {
      without_each(call, &Call::gradient, kDeferredMembers, refused);
    }
    if constexpr (requires { call.grad_y.a; }) {
      if (call.grad_y.a) {
        without_each(call, &Call::grad_y, kDeferredMembers, refused);
      }
    }
  });
  ConvForward forward = full_forward(t);
  forward.norm.gamma = {};
  CHECK(t.error(forward) == "[conv_forward] norm.gamma has no data, expected a tensor [1,1,1,8]");
}

TEST_CASE("sums over pixels without a norm are refused") {
  Tensors t;
  for (const auto member : kGradientMembers) {
    NormReluGradient grad_x{.g = t.z.view()};
    grad_x.*member = t.e.view();
    const auto refused = [&](const auto& call) {
      CHECK(t.error(call) ==
            named(call) + "grad_x.a, .b, .grad_gamma and .grad_beta must be empty without a norm");
    };
    refused(ConvDgrad{kConv, {.g = t.y.view()}, t.weight.view(), {}, {}, grad_x});
    refused(ConvBackward{
        kConv, t.x.view(), {}, t.weight.view(), {.g = t.y.view()}, grad_x, t.grad_weight.view()});
    refused(MaxPoolBackward{kPool, {.g = t.pooled.view()}, t.winner.view(), {}, {}, grad_x});
    refused(AveragePoolBackward{kPool, t.pooled.view(), {}, {}, grad_x});
    refused(GlobalAveragePoolBackward{t.means.view(), {}, {}, grad_x});
  }
}

TEST_CASE("workspace and cost are known before there is memory") {
  Tensors t;
  const auto sizes = [&] {
    std::vector<std::int64_t> all;
    each_full_call(t, [&](const auto& call) {
      const Cost cost = kernels::cost(call);
      append(all, {cost.macs, cost.bytes});
      for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::cuda}) {
        all.push_back(static_cast<std::int64_t>(kernels::workspace_bytes(call, {kind, 0})));
      }
    });
    return all;
  };
  const auto of_tensors = sizes();
  t.planned = true;
  CHECK(sizes() == of_tensors);
  each_full_call(t, [&](const auto& call) {
    CHECK_THAT(t.error(call), Contains(named(call)) && Contains(" has no data"));
  });
}

TEST_CASE("what a call costs") {
  Tensors t;
  const auto expect = [](const auto& call, std::int64_t macs, std::int64_t bytes) {
    INFO(call.kName);
    CHECK(kernels::cost(call).macs == macs);
    CHECK(kernels::cost(call).bytes == bytes);
  };
  // Of tensors of 256 elements, weights of 64, vectors of 8.
  constexpr std::int64_t kX = 4 * 256, kWeight = 4 * 64, kV = 4 * 8;
  expect(ConvForward{.problem = kConv, .x = t.x.view(), .weight = t.weight.view(), .y = t.y.view()},
         2048, 2 * kX + kWeight);
  expect(full_forward(t), 2048, 2 * kX + kWeight + 7 * kV);
  expect(ConvDgrad{.problem = kConv,
                   .grad_y = {.g = t.y.view()},
                   .weight = t.weight.view(),
                   .grad_x = {.g = t.z.view(), .mode = GradMode::accumulate}},
         2048, 3 * kX + kWeight);  // what is added to is read, too
  expect(full_dgrad(t), 2048, 4 * kX + kWeight + 12 * kV);
  expect(full_backward(t), 4096, 4 * kX + 2 * kWeight + 12 * kV);
  expect(BiasGrad{t.x.view(), t.a.view(), GradMode::accumulate}, 0, kX + 2 * kV);
  expect(BatchNormTraining{{},
                           t.x.view(),
                           t.a.view(),
                           t.b.view(),
                           t.c.view(),
                           t.d.view(),
                           t.e.view(),
                           t.f.view(),
                           t.y.view()},
         0, 3 * kX + 6 * kV);  // statistics first
  expect(
      MaxPoolForward{
          .problem = kPool, .x = t.x.view(), .y = t.pooled.view(), .winner = t.winner.view()},
      0, kX + 4 * 64 + 64);
  TensorView narrow = t.y.view();
  narrow.dtype = DType::bf16;
  expect(Copy{t.x.view(), narrow}, 0, kX + kX / 2);
  float values[4] = {};
  std::uint16_t rounded[4] = {};
  const SgdParameter sgd{values, values, values, 4, 0.0F, rounded};
  expect(SgdStep{{.momentum = 0.9F}, &sgd, 1}, 0, 4 * (5 * 4 + 2));
  expect(SgdStep{{}, &sgd, 1}, 0, 4 * (3 * 4 + 2));
}

TEST_CASE("lists of parameters are what they say") {
  float value[4] = {};
  SgdParameter sgd{value, value, nullptr, 4, 0.0F, nullptr};
  const auto step = [&](std::int64_t count) {
    return error_of([&] { kernels::run(test_stream(0), SgdStep{{}, &sgd, count}); });
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
  AdamParameter adam;
  adam.count = -1;
  CHECK_THAT(error_of([&] {
               kernels::run(test_stream(0), AdamStep{{}, 1, &adam, 1});
             }),
             Contains("[adam_step] parameter 0 has count -1"));
}

TEST_CASE("running statistics are what they say") {
  float value[8] = {};
  RunningStatistics statistics{value, value + 2, value + 4, value + 6, 2, 4, 0.1F};
  const auto update = [&](const RunningStatistics* list, std::int64_t count) {
    return error_of([&] { kernels::run(test_stream(0), UpdateRunningStatistics{list, count}); });
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
  const BiasGrad call{t.y.view(), t.a.view()};
  CHECK_THAT(error_of([&] { kernels::run(broken, call, t.scratch.workspace()); }),
             Contains("[bias_grad] the stream has 5 tickets at a null pointer"));
}
