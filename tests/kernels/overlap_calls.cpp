// SPDX-License-Identifier: Apache-2.0
#include "kernels/overlap_calls.h"

#include <deque>

#include "accrete/kernels/fused_conv.h"
#include "accrete/kernels/kernels.h"
#include "kernels/scratch.h"
#include "support/guarded_tensor.h"

namespace accrete::test {
namespace {

constexpr std::int64_t kC = kOverlapChannels;
const Shape kImages{2, 4, 4, kC};
const Shape kMeans{2, 1, 1, kC};
const Shape kVector{1, 1, 1, kC};
const Shape kWeights{kC, 1, 1, kC};
const ConvProblem kConv = {2, 4, 4, kC, kC, 1, 1, 1, 1, 0, 0};
const PoolProblem kPool = {PoolKind::average, 2, 4, 4, kC, 1, 1, 1, 1, 0, 0, false};

const GradMode kOver = GradMode::overwrite;

// Tensors that lie apart from all others.
struct Apart {
  GuardedTensor x{kImages}, y{kImages}, g{kImages}, means{kMeans};
  GuardedTensor weight{kWeights}, grad_weight{kWeights};
  GuardedTensor winner{kImages, {}, DType::u8}, labels{{2, 1, 1, 1}, {}, DType::i32};
  GuardedTensor loss{{1, 1, 1, 1}}, correct{{1, 1, 1, 1}};
  std::deque<GuardedTensor> vectors;
  Scratch scratch{1 << 22};

  Apart() {
    for (int i = 0; i < 8; ++i) {
      vectors.emplace_back(kVector);
    }
  }
  TensorView v(std::size_t i) { return vectors.at(i).view(); }
  kernels::NormRelu norm() { return {v(0), v(1), v(2), v(3)}; }
  kernels::NormReluGradient gradient(TensorView out) {
    return {out, v(4), v(5), v(6), v(7), GradMode::overwrite};
  }
  kernels::DeferredGradient plain(ConstTensorView in) { return {in, {}, {}, {}, {}, {}}; }
};

// With tensors of its own for each call.
template <class Body>
std::function<void(const Stream&, TensorView, ConstTensorView)> apart(Body body) {
  return [body](const Stream& stream, TensorView out, ConstTensorView in) {
    Apart tensors;
    body(stream, tensors, out, in);
  };
}

#define CALL(...)                                                                       \
  apart([]([[maybe_unused]] const Stream& s, [[maybe_unused]] Apart& t, TensorView out, \
           ConstTensorView in) { __VA_ARGS__; })

}  // namespace

std::vector<OverlapCall> overlap_calls_of_convolutions() {
  using namespace kernels;
  const Shape rows{2, 1, 1, kC};
  return {{"conv_forward", kImages, kImages, false, false, false,
           CALL(conv_forward(s, kConv, in, t.weight.view(), {}, out, t.scratch.workspace()))},
          {"conv_dgrad", kImages, kImages, false, false, false,
           CALL(conv_dgrad(s, kConv, in, t.weight.view(), out, kOver, t.scratch.workspace()))},
          {"conv_wgrad", kWeights, kImages, true, false, false,
           CALL(conv_wgrad(s, kConv, t.x.view(), in, out, kOver, t.scratch.workspace()))},
          {"bias_grad", kVector, kImages, true, false, false,
           CALL(bias_grad(s, in, out, kOver, t.scratch.workspace()))},
          {"linear_forward", rows, rows, false, false, false,
           CALL(linear_forward(s, in, t.weight.view(), {}, out, t.scratch.workspace()))},
          {"linear_dgrad", rows, kWeights, false, true, false,
           CALL(linear_dgrad(s, t.means.view(), in, out, kOver, t.scratch.workspace()))},
          {"linear_wgrad", kWeights, rows, true, false, false,
           CALL(linear_wgrad(s, in, t.means.view(), out, kOver, t.scratch.workspace()))},
          {"fused_conv_forward", kImages, kVector, false, true, false,
           CALL(fused_conv_forward(s, kConv, t.x.view(), {t.v(0), in, t.v(2), t.v(3)},
                                   t.weight.view(), {}, out, {}, t.scratch.workspace()))},
          {"fused_conv_dgrad", kImages, kImages, false, false, false,
           CALL(fused_conv_dgrad(s, kConv, t.plain(in), t.weight.view(), t.x.view(), t.norm(),
                                 t.gradient(out), t.scratch.workspace()))},
          {"fused_conv_wgrad", kWeights, kImages, true, false, false,
           CALL(fused_conv_wgrad(s, kConv, t.x.view(), t.norm(), t.plain(in), out, kOver,
                                 t.scratch.workspace()))},
          {"fused_conv_backward", kImages, kImages, false, false, false,
           CALL(fused_conv_backward(s, kConv, t.x.view(), t.norm(), t.weight.view(), t.plain(in),
                                    t.gradient(out), t.grad_weight.view(), kOver,
                                    t.scratch.workspace()))}};
}

std::vector<OverlapCall> overlap_calls_on_elements() {
  using namespace kernels;
  return {{"copy", kImages, kImages, false, false, false, CALL(copy(s, in, out, kOver))},
          {"cast", kImages, kImages, false, false, false, CALL(cast(s, in, out))},
          {"add", kImages, kImages, false, false, true, CALL(add(s, t.x.view(), in, out))},
          {"relu_forward", kImages, kImages, false, false, true, CALL(relu_forward(s, in, out))},
          {"relu_backward", kImages, kImages, false, false, true,
           CALL(relu_backward(s, in, t.y.view(), out, kOver))},
          {"relu_backward", kImages, kImages, false, false, false,
           CALL(relu_backward(s, in, t.y.view(), out, GradMode::accumulate))},
          {"dropout_forward", kImages, kImages, false, false, true,
           CALL(dropout_forward(s, 0.5F, {}, in, out))},
          {"dropout_backward", kImages, kImages, false, false, false,
           CALL(dropout_backward(s, 0.5F, {}, in, out, GradMode::accumulate))},
          {"softmax_cross_entropy_forward", kMeans, kMeans, false, false, true,
           CALL(softmax_cross_entropy_forward(s, in, t.labels.view(), out, t.loss.view(),
                                              t.correct.view()))},
          {"softmax_cross_entropy_backward", kMeans, kMeans, false, false, true,
           CALL(softmax_cross_entropy_backward(s, in, t.labels.view(), out))}};
}

std::vector<OverlapCall> overlap_calls_of_norms() {
  using namespace kernels;
  return {
      {"batch_norm_training", kImages, kImages, false, false, true,
       CALL(batch_norm_training(s, {}, in, t.v(0), t.v(1), t.v(2), t.v(3), t.v(4), t.v(5), out,
                                t.scratch.workspace()))},
      {"batch_norm_training", kVector, kImages, true, false, false,
       CALL(batch_norm_training(s, {}, in, t.v(0), t.v(1), t.v(2), t.v(3), out, t.v(5), t.y.view(),
                                t.scratch.workspace()))},
      {"batch_norm_normalise", kImages, kVector, false, true, false,
       CALL(batch_norm_normalise(s, {}, t.x.view(), t.v(0), in, t.v(2), t.v(3), out))},
      {"batch_norm_inference", kImages, kImages, false, false, true,
       CALL(batch_norm_inference(s, {}, in, t.v(0), t.v(1), t.v(2), t.v(3), out))},
      {"batch_norm_backward", kImages, kImages, false, false, true,
       CALL(batch_norm_backward(s, {}, in, t.x.view(), t.v(0), t.v(1), t.v(2), t.v(3), out, kOver,
                                t.v(4), t.v(5), t.scratch.workspace()))},
      {"batch_norm_backward", kImages, kImages, false, false, false,
       CALL(batch_norm_backward(s, {}, t.g.view(), in, t.v(0), t.v(1), t.v(2), t.v(3), out, kOver,
                                t.v(4), t.v(5), t.scratch.workspace()))},
      {"channel_statistics", kVector, kImages, true, false, false,
       CALL(channel_statistics(s, in, {t.v(0), out, t.v(1)}, t.scratch.workspace()))},
      {"norm_relu_forward", kImages, kImages, false, false, true,
       CALL(norm_relu_forward(s, in, t.norm(), out))},
      {"norm_relu_backward", kImages, kImages, false, false, true,
       CALL(norm_relu_backward(s, in, t.x.view(), t.norm(), t.gradient(out),
                               t.scratch.workspace()))},
      {"apply_deferred_gradient", kImages, kImages, false, false, true,
       CALL(apply_deferred_gradient(s, t.plain(in), out))},
      {"apply_deferred_gradient", kImages, kVector, false, true, false,
       CALL(apply_deferred_gradient(s, {t.g.view(), t.y.view(), t.v(0), in, t.v(2), t.v(3)}, out))},
      {"inverse_deviation", kVector, kVector, true, true, true,
       CALL(inverse_deviation(s, in, 1.0F, out))}};
}

std::vector<OverlapCall> overlap_calls_of_pools() {
  using namespace kernels;
  return {{"max_pool_forward", kImages, kImages, false, false, false,
           CALL(max_pool_forward(s, kPool, in, out, t.winner.view()))},
          {"max_pool_backward", kImages, kImages, false, false, false,
           CALL(max_pool_backward(s, kPool, in, t.winner.view(), out, kOver))},
          {"average_pool_forward", kImages, kImages, false, false, false,
           CALL(average_pool_forward(s, kPool, in, out))},
          {"average_pool_backward", kImages, kImages, false, false, false,
           CALL(average_pool_backward(s, kPool, in, out, kOver))},
          {"global_average_pool_forward", kMeans, kImages, false, false, false,
           CALL(global_average_pool_forward(s, in, out))},
          {"global_average_pool_backward", kImages, kMeans, false, false, false,
           CALL(global_average_pool_backward(s, in, out, kOver))},
          {"norm_relu_average_pool_forward", kImages, kImages, false, false, false,
           CALL(norm_relu_average_pool_forward(s, kPool, in, t.norm(), out))},
          {"norm_relu_average_pool_backward", kImages, kImages, false, false, false,
           CALL(norm_relu_average_pool_backward(s, kPool, in, t.x.view(), t.norm(), t.gradient(out),
                                                t.scratch.workspace()))},
          {"norm_relu_global_average_pool_forward", kMeans, kImages, false, false, false,
           CALL(norm_relu_global_average_pool_forward(s, in, t.norm(), out))},
          {"norm_relu_global_average_pool_backward", kImages, kMeans, false, false, false,
           CALL(norm_relu_global_average_pool_backward(s, in, t.x.view(), t.norm(), t.gradient(out),
                                                       t.scratch.workspace()))},
          {"norm_relu_max_pool_forward", kImages, kImages, false, false, false,
           CALL(norm_relu_max_pool_forward(s, kPool, in, t.norm(), out, t.winner.view(), {},
                                           t.scratch.workspace()))},
          {"norm_relu_max_pool_backward", kImages, kImages, false, false, false,
           CALL(norm_relu_max_pool_backward(s, kPool, t.plain(in), t.winner.view(), t.x.view(),
                                            t.norm(), t.gradient(out), t.scratch.workspace()))}};
}
#undef CALL

}  // namespace accrete::test
