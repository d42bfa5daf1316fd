// SPDX-License-Identifier: Apache-2.0
#include "kernels/overlap_calls.h"

#include <deque>

#include "accrete/kernels/kernels.h"
#include "kernels/scratch.h"
#include "support/guarded_tensor.h"

namespace accrete::test {
namespace {

using namespace kernels;

constexpr std::int64_t kC = kOverlapChannels;
const Shape kImages{2, 4, 4, kC};
const Shape kMeans{2, 1, 1, kC};
const Shape kVector{1, 1, 1, kC};
const Shape kWeights{kC, 1, 1, kC};
const ConvProblem kConv = {2, 4, 4, kC, kC, 1, 1, 1, 1, 0, 0};
const ConvProblem kLinear = ConvProblem::linear(2, kC, kC);
const PoolProblem kPool = {PoolKind::average, 2, 4, 4, kC, 1, 1, 1, 1, 0, 0, false};

// Tensors that lie apart from all others.
struct Apart {
  GuardedTensor x{kImages}, y{kImages}, g{kImages}, means{kMeans};
  GuardedTensor weight{kWeights}, grad_weight{kWeights};
  GuardedTensor winner{kImages, {}, DType::u8}, labels{{2, 1, 1, 1}, {}, DType::i32};
  GuardedTensor loss{{1, 1, 1, 1}}, correct{{1, 1, 1, 1}};
  std::deque<GuardedTensor> vectors;

  Apart() {
    for (int i = 0; i < 8; ++i) {
      vectors.emplace_back(kVector);
    }
  }
  TensorView v(std::size_t i) { return vectors.at(i).view(); }
  NormRelu norm() { return {v(0), v(1), v(2), v(3)}; }
  NormReluGradient through_norm(TensorView out) { return {out, v(4), v(5), v(6), v(7)}; }
  DeferredGradient due(ConstTensorView in) { return {in, y.view(), v(0), v(1), v(2), v(3)}; }
};

enum class Place : std::uint8_t { apart, in_place };

// make_call(tensors, out, in), with tensors of its own for each call.
template <class MakeCall>
OverlapCall overlap(const Shape& out, const Shape& in, Place place, MakeCall make_call) {
  using Call = decltype(make_call(std::declval<Apart&>(), TensorView(), ConstTensorView()));
  const auto packed = [](const Shape& shape) { return shape == kVector || shape == kWeights; };
  return {Call::kName,
          out,
          in,
          packed(out),
          packed(in),
          place == Place::in_place,
          [make_call](const Stream& stream, TensorView to, ConstTensorView from) {
            Apart tensors;
            run_call(stream, make_call(tensors, to, from));
          }};
}

#define CALL(...)                                    \
  [](Apart& t, TensorView out, ConstTensorView in) { \
    static_cast<void>(t);                            \
    return __VA_ARGS__;                              \
  }

}  // namespace

std::vector<OverlapCall> overlap_calls() {
  constexpr Place kApart = Place::apart;
  constexpr Place kInPlace = Place::in_place;
  constexpr GradMode kAdd = GradMode::accumulate;
  return {
      // convolutions, plain and with parts
      overlap(kImages, kImages, kApart,
              CALL(ConvForward{.problem = kConv, .x = in, .weight = t.weight.view(), .y = out})),
      overlap(kMeans, kMeans, kApart,
              CALL(ConvForward{.problem = kLinear, .x = in, .weight = t.weight.view(), .y = out})),
      overlap(kImages, kVector, kApart,
              CALL(ConvForward{.problem = kConv,
                               .x = t.x.view(),
                               .norm = {t.v(0), in, t.v(2), t.v(3)},
                               .weight = t.weight.view(),
                               .y = out})),
      overlap(kVector, kImages, kApart,
              CALL(ConvForward{.problem = kConv,
                               .x = in,
                               .weight = t.weight.view(),
                               .y = t.y.view(),
                               .statistics = {t.v(0), out, t.v(1)}})),
      overlap(kImages, kImages, kApart,
              CALL(ConvDgrad{.problem = kConv,
                             .grad_y = {.g = in},
                             .weight = t.weight.view(),
                             .grad_x = {.g = out}})),
      overlap(kMeans, kWeights, kApart,
              CALL(ConvDgrad{.problem = kLinear,
                             .grad_y = {.g = t.means.view()},
                             .weight = in,
                             .grad_x = {.g = out}})),
      overlap(kImages, kImages, kApart,
              CALL(ConvDgrad{
                  kConv, {.g = in}, t.weight.view(), t.x.view(), t.norm(), t.through_norm(out)})),
      overlap(kImages, kImages, kApart,
              CALL(ConvDgrad{.problem = kConv,
                             .grad_y = t.due(in),
                             .weight = t.weight.view(),
                             .grad_x = {.g = out}})),
      overlap(kWeights, kImages, kApart,
              CALL(ConvWgrad{
                  .problem = kConv, .x = t.x.view(), .grad_y = {.g = in}, .grad_weight = out})),
      overlap(
          kWeights, kMeans, kApart,
          CALL(ConvWgrad{
              .problem = kLinear, .x = in, .grad_y = {.g = t.means.view()}, .grad_weight = out})),
      overlap(kWeights, kImages, kApart,
              CALL(ConvWgrad{kConv, t.x.view(), t.norm(), {.g = in}, out})),
      overlap(kImages, kImages, kApart,
              CALL(ConvBackward{kConv,
                                t.x.view(),
                                t.norm(),
                                t.weight.view(),
                                {.g = in},
                                t.through_norm(out),
                                t.grad_weight.view()})),
      overlap(kVector, kImages, kApart, CALL(BiasGrad{in, out})),
      // element by element
      overlap(kImages, kImages, kApart, CALL(Copy{in, out})),
      overlap(kImages, kImages, kInPlace, CALL(Add{t.x.view(), in, out})),
      overlap(kImages, kImages, kInPlace, CALL(ReluForward{in, out})),
      overlap(kImages, kImages, kInPlace, CALL(ReluBackward{in, t.y.view(), out})),
      overlap(kImages, kImages, kApart, CALL(ReluBackward{in, t.y.view(), out, kAdd})),
      overlap(kImages, kImages, kInPlace, CALL(Dropout{0.5F, {}, in, out})),
      overlap(kImages, kImages, kApart, CALL(Dropout{0.5F, {}, in, out, kAdd})),
      overlap(kMeans, kMeans, kInPlace,
              CALL(SoftmaxCrossEntropyForward{in, t.labels.view(), out, t.loss.view(),
                                              t.correct.view()})),
      overlap(kMeans, kMeans, kInPlace,
              CALL(SoftmaxCrossEntropyBackward{in, t.labels.view(), out})),
      // norms
      overlap(kImages, kImages, kInPlace,
              CALL(BatchNormTraining{{}, in, t.v(0), t.v(1), t.v(2), t.v(3), t.v(4), t.v(5), out})),
      overlap(
          kVector, kImages, kApart,
          CALL(BatchNormTraining{{}, in, t.v(0), t.v(1), t.v(2), t.v(3), out, t.v(5), t.y.view()})),
      overlap(kImages, kVector, kApart,
              CALL(BatchNormNormalise{t.x.view(), {t.v(2), t.v(3), t.v(0), in}, false, out})),
      overlap(kImages, kImages, kInPlace,
              CALL(BatchNormInference{{}, in, t.v(0), t.v(1), t.v(2), t.v(3), out})),
      overlap(kImages, kImages, kInPlace,
              CALL(BatchNormBackward{.grad_y = in,
                                     .x = t.x.view(),
                                     .norm = t.norm(),
                                     .grad_x = out,
                                     .grad_gamma = t.v(4),
                                     .grad_beta = t.v(5)})),
      overlap(kImages, kImages, kApart,
              CALL(BatchNormBackward{.grad_y = t.g.view(),
                                     .x = in,
                                     .norm = t.norm(),
                                     .grad_x = out,
                                     .grad_gamma = t.v(4),
                                     .grad_beta = t.v(5)})),
      overlap(kVector, kImages, kApart, CALL(ChannelStatistics{in, {t.v(0), out, t.v(1)}})),
      overlap(kImages, kImages, kInPlace, CALL(NormReluForward{in, t.norm(), out})),
      overlap(kImages, kImages, kInPlace,
              CALL(NormReluBackward{in, t.x.view(), t.norm(), t.through_norm(out)})),
      overlap(kImages, kImages, kInPlace, CALL(ApplyDeferredGradient{{.g = in}, out})),
      overlap(
          kImages, kVector, kApart,
          CALL(ApplyDeferredGradient{{t.g.view(), t.y.view(), t.v(0), in, t.v(2), t.v(3)}, out})),
      overlap(kVector, kVector, kInPlace, CALL(InverseDeviation{in, 1.0F, out})),
      // pools, plain and with parts
      overlap(kImages, kImages, kApart,
              CALL(MaxPoolForward{.problem = kPool, .x = in, .y = out, .winner = t.winner.view()})),
      overlap(kImages, kImages, kApart,
              CALL(MaxPoolForward{kPool, in, t.norm(), out, t.winner.view(), {}})),
      overlap(kImages, kImages, kApart,
              CALL(MaxPoolBackward{.problem = kPool,
                                   .grad_y = {.g = in},
                                   .winner = t.winner.view(),
                                   .grad_x = {.g = out}})),
      overlap(kImages, kImages, kApart,
              CALL(MaxPoolBackward{
                  kPool, {.g = in}, t.winner.view(), t.x.view(), t.norm(), t.through_norm(out)})),
      overlap(kImages, kImages, kApart,
              CALL(AveragePoolForward{.problem = kPool, .x = in, .y = out})),
      overlap(kImages, kImages, kApart, CALL(AveragePoolForward{kPool, in, t.norm(), out})),
      overlap(kImages, kImages, kApart,
              CALL(AveragePoolBackward{.problem = kPool, .grad_y = in, .grad_x = {.g = out}})),
      overlap(kImages, kImages, kApart,
              CALL(AveragePoolBackward{kPool, in, t.x.view(), t.norm(), t.through_norm(out)})),
      overlap(kMeans, kImages, kApart, CALL(GlobalAveragePoolForward{.x = in, .y = out})),
      overlap(kMeans, kImages, kApart, CALL(GlobalAveragePoolForward{in, t.norm(), out})),
      overlap(kImages, kMeans, kApart,
              CALL(GlobalAveragePoolBackward{.grad_y = in, .grad_x = {.g = out}})),
      overlap(kImages, kMeans, kApart,
              CALL(GlobalAveragePoolBackward{in, t.x.view(), t.norm(), t.through_norm(out)}))};
}
#undef CALL

}  // namespace accrete::test
