// SPDX-License-Identifier: Apache-2.0
// The kernels' calls as functions of positional arguments, for ops whose operands have positions.
#pragma once

#include <algorithm>

#include "accrete/kernels/kernels.h"

namespace accrete::kernels {

inline TensorView planned(const Shape& shape, DType dtype) {
  return {nullptr, shape, dtype};
}
inline NormRelu planned_norm(std::int64_t C) {
  const TensorView v = planned(channel_vector(C), DType::f32);
  return {v, v, v, v};
}
inline NormReluGradient planned_gradient(const Shape& x, DType dtype) {
  const TensorView v = planned(channel_vector(x.c), DType::f32);
  return {planned(x, dtype), v, v, v, v};
}
inline DeferredGradient planned_deferred(const Shape& y, DType dtype, bool deferred) {
  DeferredGradient gradient;
  gradient.g = planned(y, dtype);
  if (deferred) {
    const TensorView v = planned(channel_vector(y.c), DType::f32);
    gradient = {gradient.g, gradient.g, v, v, v, v};
  }
  return gradient;
}
inline StatisticsOutput planned_statistics(std::int64_t C) {
  const TensorView v = planned(channel_vector(C), DType::f32);
  return {v, v, v, 1.0F};
}
using CStream = const Stream&;
using CView = ConstTensorView;

inline ConvForward planned_forward(const ConvProblem& p, DType dtype, bool parts) {
  return {p,
          planned(p.x_shape(), dtype),
          parts ? planned_norm(p.C) : NormRelu(),
          planned(p.weight_shape(), dtype),
          {},
          planned(p.y_shape(), dtype),
          parts ? planned_statistics(p.K) : StatisticsOutput()};
}
inline NormReluGradient plain_gradient(const TensorView& g, GradMode mode) {
  NormReluGradient gradient;
  gradient.g = g;
  gradient.mode = mode;
  return gradient;
}
inline DeferredGradient whole_gradient(CView g) {
  DeferredGradient gradient;
  gradient.g = g;
  return gradient;
}
inline ConvDgrad planned_dgrad(const ConvProblem& p, DType dtype, bool parts) {
  return {p,
          planned_deferred(p.y_shape(), dtype, parts),
          planned(p.weight_shape(), dtype),
          parts ? planned(p.x_shape(), dtype) : TensorView(),
          parts ? planned_norm(p.C) : NormRelu(),
          parts ? planned_gradient(p.x_shape(), dtype)
                : plain_gradient(planned(p.x_shape(), dtype), GradMode::overwrite)};
}
inline ConvWgrad planned_wgrad(const ConvProblem& p, DType dtype, bool parts) {
  return {p,
          planned(p.x_shape(), dtype),
          parts ? planned_norm(p.C) : NormRelu(),
          planned_deferred(p.y_shape(), dtype, parts),
          planned(p.weight_shape(), DType::f32),
          GradMode::overwrite};
}
inline std::size_t conv_forward_workspace_bytes(const ConvProblem& p, Device device, DType dtype) {
  return workspace_bytes(planned_forward(p, dtype, false), device);
}
inline std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& p, Device device,
                                                      DType dtype) {
  return workspace_bytes(planned_forward(p, dtype, true), device);
}
inline std::size_t conv_dgrad_workspace_bytes(const ConvProblem& p, Device device, DType dtype) {
  return workspace_bytes(planned_dgrad(p, dtype, false), device);
}
inline std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& p, Device device,
                                                    DType dtype) {
  return workspace_bytes(planned_dgrad(p, dtype, true), device);
}
inline std::size_t conv_wgrad_workspace_bytes(const ConvProblem& p, Device device, DType dtype) {
  return workspace_bytes(planned_wgrad(p, dtype, false), device);
}
inline std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& p, Device device,
                                                    DType dtype) {
  return workspace_bytes(planned_wgrad(p, dtype, true), device);
}
inline std::size_t fused_conv_backward_workspace_bytes(const ConvProblem& p, Device device,
                                                       DType dtype) {
  const ConvDgrad d = planned_dgrad(p, dtype, true);
  const ConvWgrad w = planned_wgrad(p, dtype, true);
  return workspace_bytes(ConvBackward{p, d.x, d.norm, d.weight, d.grad_y, d.grad_x, w.grad_weight,
                                      GradMode::overwrite},
                         device);
}
inline std::size_t linear_workspace_bytes(std::int64_t N, std::int64_t C, std::int64_t K,
                                          Device device, DType dtype) {
  const ConvProblem p = ConvProblem::linear(N, C, K);
  return std::max({conv_forward_workspace_bytes(p, device, dtype),
                   conv_dgrad_workspace_bytes(p, device, dtype),
                   conv_wgrad_workspace_bytes(p, device, dtype)});
}
inline std::size_t norm_relu_workspace_bytes(const Shape& x, Device device) {
  return workspace_bytes(ChannelStatistics{planned(x, DType::f32), planned_statistics(x.c)},
                         device);
}
inline std::size_t batch_norm_workspace_bytes(const Shape& x, Device device) {
  const TensorView v = planned(channel_vector(x.c), DType::f32);
  const TensorView t = planned(x, DType::f32);
  return workspace_bytes(BatchNormTraining{{}, t, v, v, v, v, v, v, t}, device);
}
inline std::size_t bias_grad_workspace_bytes(const Shape& grad_y, Device device) {
  return workspace_bytes(
      BiasGrad{planned(grad_y, DType::f32), planned(channel_vector(grad_y.c), DType::f32),
               GradMode::overwrite},
      device);
}
inline void conv_forward(CStream s, const ConvProblem& p, CView x, CView w, CView bias,
                         TensorView y, Workspace ws) {
  run(s, ConvForward{p, x, {}, w, bias, y, {}}, ws);
}
inline void fused_conv_forward(CStream s, const ConvProblem& p, CView x, const NormRelu& norm,
                               CView w, CView bias, TensorView y, const StatisticsOutput& st,
                               Workspace ws) {
  run(s, ConvForward{p, x, norm, w, bias, y, st}, ws);
}
inline void conv_dgrad(CStream s, const ConvProblem& p, CView gy, CView w, TensorView gx,
                       GradMode mode, Workspace ws) {
  run(s, ConvDgrad{p, whole_gradient(gy), w, {}, {}, plain_gradient(gx, mode)}, ws);
}
inline void fused_conv_dgrad(CStream s, const ConvProblem& p, const DeferredGradient& gy, CView w,
                             CView x, const NormRelu& norm, const NormReluGradient& out,
                             Workspace ws) {
  run(s, ConvDgrad{p, gy, w, x, norm, out}, ws);
}
inline void conv_wgrad(CStream s, const ConvProblem& p, CView x, CView gy, TensorView gw,
                       GradMode mode, Workspace ws) {
  run(s, ConvWgrad{p, x, {}, whole_gradient(gy), gw, mode}, ws);
}
inline void fused_conv_wgrad(CStream s, const ConvProblem& p, CView x, const NormRelu& norm,
                             const DeferredGradient& gy, TensorView gw, GradMode mode,
                             Workspace ws) {
  run(s, ConvWgrad{p, x, norm, gy, gw, mode}, ws);
}
inline void fused_conv_backward(CStream s, const ConvProblem& p, CView x, const NormRelu& norm,
                                CView w, const DeferredGradient& gy, const NormReluGradient& out,
                                TensorView gw, GradMode mode, Workspace ws) {
  run(s, ConvBackward{p, x, norm, w, gy, out, gw, mode}, ws);
}
inline void bias_grad(CStream s, CView gy, TensorView gb, GradMode mode, Workspace ws) {
  run(s, BiasGrad{gy, gb, mode}, ws);
}
inline void linear_forward(CStream s, CView x, CView w, CView bias, TensorView y, Workspace ws) {
  conv_forward(s, ConvProblem::linear(x.shape.n, w.shape.c, w.shape.n), x, w, bias, y, ws);
}
inline void linear_dgrad(CStream s, CView gy, CView w, TensorView gx, GradMode mode, Workspace ws) {
  conv_dgrad(s, ConvProblem::linear(gy.shape.n, w.shape.c, w.shape.n), gy, w, gx, mode, ws);
}
inline void linear_wgrad(CStream s, CView x, CView gy, TensorView gw, GradMode mode, Workspace ws) {
  conv_wgrad(s, ConvProblem::linear(x.shape.n, gw.shape.c, gw.shape.n), x, gy, gw, mode, ws);
}
inline void max_pool_forward(CStream s, const PoolProblem& p, CView x, TensorView y,
                             TensorView winner) {
  run(s, MaxPoolForward{p, x, {}, y, winner, {}});
}
inline void norm_relu_max_pool_forward(CStream s, const PoolProblem& p, CView x,
                                       const NormRelu& norm, TensorView y, TensorView winner,
                                       const StatisticsOutput& st, Workspace ws) {
  run(s, MaxPoolForward{p, x, norm, y, winner, st}, ws);
}
inline void max_pool_backward(CStream s, const PoolProblem& p, CView gy, CView winner,
                              TensorView gx, GradMode mode) {
  run(s, MaxPoolBackward{p, whole_gradient(gy), winner, {}, {}, plain_gradient(gx, mode)});
}
inline void norm_relu_max_pool_backward(CStream s, const PoolProblem& p, const DeferredGradient& gy,
                                        CView winner, CView x, const NormRelu& norm,
                                        const NormReluGradient& out, Workspace ws) {
  run(s, MaxPoolBackward{p, gy, winner, x, norm, out}, ws);
}
inline void average_pool_forward(CStream s, const PoolProblem& p, CView x, TensorView y) {
  run(s, AveragePoolForward{p, x, {}, y});
}
inline void norm_relu_average_pool_forward(CStream s, const PoolProblem& p, CView x,
                                           const NormRelu& norm, TensorView y) {
  run(s, AveragePoolForward{p, x, norm, y});
}
inline void average_pool_backward(CStream s, const PoolProblem& p, CView gy, TensorView gx,
                                  GradMode mode) {
  run(s, AveragePoolBackward{p, gy, {}, {}, plain_gradient(gx, mode)});
}
inline void norm_relu_average_pool_backward(CStream s, const PoolProblem& p, CView gy, CView x,
                                            const NormRelu& norm, const NormReluGradient& out,
                                            Workspace ws) {
  run(s, AveragePoolBackward{p, gy, x, norm, out}, ws);
}
inline void global_average_pool_forward(CStream s, CView x, TensorView y) {
  run(s, GlobalAveragePoolForward{x, {}, y});
}
inline void norm_relu_global_average_pool_forward(CStream s, CView x, const NormRelu& norm,
                                                  TensorView y) {
  run(s, GlobalAveragePoolForward{x, norm, y});
}
inline void global_average_pool_backward(CStream s, CView gy, TensorView gx, GradMode mode) {
  run(s, GlobalAveragePoolBackward{gy, {}, {}, plain_gradient(gx, mode)});
}
inline void norm_relu_global_average_pool_backward(CStream s, CView gy, CView x,
                                                   const NormRelu& norm,
                                                   const NormReluGradient& out, Workspace ws) {
  run(s, GlobalAveragePoolBackward{gy, x, norm, out}, ws);
}
inline void batch_norm_training(CStream s, const BatchNormOptions& o, CView x, CView gamma,
                                CView beta, TensorView rm, TensorView rv, TensorView mean,
                                TensorView inv_std, TensorView y, Workspace ws) {
  run(s, BatchNormTraining{o, x, gamma, beta, rm, rv, mean, inv_std, y}, ws);
}
inline void batch_norm_normalise(CStream s, const BatchNormOptions& o, CView x, CView gamma,
                                 CView beta, CView mean, CView inv_std, TensorView y) {
  run(s, BatchNormNormalise{x, {mean, inv_std, gamma, beta}, o.relu, y});
}
inline void batch_norm_inference(CStream s, const BatchNormOptions& o, CView x, CView gamma,
                                 CView beta, CView rm, CView rv, TensorView y) {
  run(s, BatchNormInference{o, x, gamma, beta, rm, rv, y});
}
inline void batch_norm_backward(CStream s, const BatchNormOptions& o, bool constant, CView gy,
                                CView x, CView gamma, CView beta, CView mean, CView inv_std,
                                TensorView gx, GradMode mode, TensorView ggamma, TensorView gbeta,
                                Workspace ws) {
  run(s,
      BatchNormBackward{
          gy, x, {mean, inv_std, gamma, beta}, o.relu, constant, gx, mode, ggamma, gbeta},
      ws);
}
inline void channel_statistics(CStream s, CView x, const StatisticsOutput& out, Workspace ws) {
  run(s, ChannelStatistics{x, out}, ws);
}
inline void norm_relu_forward(CStream s, CView x, const NormRelu& norm, TensorView y) {
  run(s, NormReluForward{x, norm, y});
}
inline void norm_relu_backward(CStream s, CView gy, CView x, const NormRelu& norm,
                               const NormReluGradient& out, Workspace ws) {
  run(s, NormReluBackward{gy, x, norm, out}, ws);
}
inline void apply_deferred_gradient(CStream s, const DeferredGradient& gradient, TensorView gy) {
  run(s, ApplyDeferredGradient{gradient, gy});
}
inline void inverse_deviation(CStream s, CView variance, float epsilon, TensorView inv_std) {
  run(s, InverseDeviation{variance, epsilon, inv_std});
}
inline void update_running_statistics(CStream s, const RunningStatistics* list,
                                      std::int64_t count) {
  run(s, UpdateRunningStatistics{list, count});
}
inline void copy(CStream s, CView src, TensorView dst, GradMode mode) {
  run(s, Copy{src, dst, mode});
}
inline void add(CStream s, CView a, CView b, TensorView y) {
  run(s, Add{a, b, y});
}
inline void fill(CStream s, TensorView dst, float value) {
  run(s, Fill{dst, value});
}
inline void relu_forward(CStream s, CView x, TensorView y) {
  run(s, ReluForward{x, y});
}
inline void relu_backward(CStream s, CView gy, CView y, TensorView gx, GradMode mode) {
  run(s, ReluBackward{gy, y, gx, mode});
}
inline void dropout_forward(CStream s, float rate, const RandomKey& key, CView x, TensorView y) {
  run(s, Dropout{rate, key, x, y, GradMode::overwrite});
}
inline void dropout_backward(CStream s, float rate, const RandomKey& key, CView gy, TensorView gx,
                             GradMode mode) {
  run(s, Dropout{rate, key, gy, gx, mode});
}
inline void softmax_cross_entropy_forward(CStream s, CView logits, CView labels, TensorView p,
                                          TensorView loss, TensorView correct) {
  run(s, SoftmaxCrossEntropyForward{logits, labels, p, loss, correct});
}
inline void softmax_cross_entropy_backward(CStream s, CView p, CView labels, TensorView g) {
  run(s, SoftmaxCrossEntropyBackward{p, labels, g});
}

}  // namespace accrete::kernels
