// SPDX-License-Identifier: Apache-2.0
#include "cuda/backend.h"

#include "cuda/batch_norm.h"
#include "cuda/conv.h"
#include "cuda/dropout.h"
#include "cuda/elementwise.h"
#include "cuda/fused_conv.h"
#include "cuda/image_batch.h"
#include "cuda/linear.h"
#include "cuda/norm_relu.h"
#include "cuda/optimizer.h"
#include "cuda/pool.h"
#include "cuda/relu.h"
#include "cuda/softmax_cross_entropy.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

const CudaBackend& backend() {
  static const CudaBackend table = {
      .conv_forward = &cuda::conv_forward,
      .conv_dgrad = &cuda::conv_dgrad,
      .conv_wgrad = &cuda::conv_wgrad,
      .bias_grad = &cuda::bias_grad,
      .linear_forward = &cuda::linear_forward,
      .linear_dgrad = &cuda::linear_dgrad,
      .linear_wgrad = &cuda::linear_wgrad,
      .batch_norm_training = &cuda::batch_norm_training,
      .batch_norm_normalise = &cuda::batch_norm_normalise,
      .batch_norm_inference = &cuda::batch_norm_inference,
      .batch_norm_backward = &cuda::batch_norm_backward,
      .relu_forward = &cuda::relu_forward,
      .relu_backward = &cuda::relu_backward,
      .max_pool_forward = &cuda::max_pool_forward,
      .max_pool_backward = &cuda::max_pool_backward,
      .average_pool_forward = &cuda::average_pool_forward,
      .average_pool_backward = &cuda::average_pool_backward,
      .global_average_pool_forward = &cuda::global_average_pool_forward,
      .global_average_pool_backward = &cuda::global_average_pool_backward,
      .copy = &cuda::copy,
      .add = &cuda::add,
      .fill = &cuda::fill,
      .cast = &cuda::cast,
      .image_batch = &cuda::image_batch,
      .softmax_cross_entropy_forward = &cuda::softmax_cross_entropy_forward,
      .softmax_cross_entropy_backward = &cuda::softmax_cross_entropy_backward,
      .dropout_forward = &cuda::dropout_forward,
      .dropout_backward = &cuda::dropout_backward,
      .sgd_step = &cuda::sgd_step,
      .adam_step = &cuda::adam_step,
      .channel_statistics = &cuda::channel_statistics,
      .norm_relu_forward = &cuda::norm_relu_forward,
      .norm_relu_backward = &cuda::norm_relu_backward,
      .apply_deferred_gradient = &cuda::apply_deferred_gradient,
      .inverse_deviation = &cuda::inverse_deviation,
      .update_running_statistics = &cuda::update_running_statistics,
      .norm_relu_average_pool_forward = &cuda::norm_relu_average_pool_forward,
      .norm_relu_average_pool_backward = &cuda::norm_relu_average_pool_backward,
      .norm_relu_global_average_pool_forward = &cuda::norm_relu_global_average_pool_forward,
      .norm_relu_global_average_pool_backward = &cuda::norm_relu_global_average_pool_backward,
      .norm_relu_max_pool_forward = &cuda::norm_relu_max_pool_forward,
      .norm_relu_max_pool_backward = &cuda::norm_relu_max_pool_backward,
      .fused_conv_forward = &cuda::fused_conv_forward,
      .fused_conv_dgrad = &cuda::fused_conv_dgrad,
      .fused_conv_wgrad = &cuda::fused_conv_wgrad,
      .fused_conv_backward = &cuda::fused_conv_backward,
  };
  return table;
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
