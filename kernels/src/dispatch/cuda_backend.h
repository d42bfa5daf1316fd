// SPDX-License-Identifier: Apache-2.0
// The kernels of a GPU as a table with one entry per public entry point, of the same type. Calls
// reach it through the stream, so the library holds no global state, builds without CUDA, and
// tests can put the host executor's table behind the same dispatch.
#pragma once

#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/conv.h"
#include "accrete/kernels/dropout.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/fused_conv.h"
#include "accrete/kernels/image_batch.h"
#include "accrete/kernels/linear.h"
#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/norm_relu_pool.h"
#include "accrete/kernels/optimizer.h"
#include "accrete/kernels/pool.h"
#include "accrete/kernels/relu.h"
#include "accrete/kernels/softmax_cross_entropy.h"

namespace accrete::kernels {

/// Arguments have been validated when an entry is called.
struct CudaBackend {
  decltype(&kernels::conv_forward) conv_forward;
  decltype(&kernels::conv_dgrad) conv_dgrad;
  decltype(&kernels::conv_wgrad) conv_wgrad;
  decltype(&kernels::bias_grad) bias_grad;
  decltype(&kernels::linear_forward) linear_forward;
  decltype(&kernels::linear_dgrad) linear_dgrad;
  decltype(&kernels::linear_wgrad) linear_wgrad;
  decltype(&kernels::batch_norm_training) batch_norm_training;
  decltype(&kernels::batch_norm_normalise) batch_norm_normalise;
  decltype(&kernels::batch_norm_inference) batch_norm_inference;
  decltype(&kernels::batch_norm_backward) batch_norm_backward;
  decltype(&kernels::relu_forward) relu_forward;
  decltype(&kernels::relu_backward) relu_backward;
  decltype(&kernels::max_pool_forward) max_pool_forward;
  decltype(&kernels::max_pool_backward) max_pool_backward;
  decltype(&kernels::average_pool_forward) average_pool_forward;
  decltype(&kernels::average_pool_backward) average_pool_backward;
  decltype(&kernels::global_average_pool_forward) global_average_pool_forward;
  decltype(&kernels::global_average_pool_backward) global_average_pool_backward;
  decltype(&kernels::copy) copy;
  decltype(&kernels::add) add;
  decltype(&kernels::fill) fill;
  decltype(&kernels::cast) cast;
  decltype(&kernels::image_batch) image_batch;
  decltype(&kernels::softmax_cross_entropy_forward) softmax_cross_entropy_forward;
  decltype(&kernels::softmax_cross_entropy_backward) softmax_cross_entropy_backward;
  decltype(&kernels::dropout_forward) dropout_forward;
  decltype(&kernels::dropout_backward) dropout_backward;
  decltype(&kernels::sgd_step) sgd_step;
  decltype(&kernels::adam_step) adam_step;
  decltype(&kernels::channel_statistics) channel_statistics;
  decltype(&kernels::norm_relu_forward) norm_relu_forward;
  decltype(&kernels::norm_relu_backward) norm_relu_backward;
  decltype(&kernels::apply_deferred_gradient) apply_deferred_gradient;
  decltype(&kernels::inverse_deviation) inverse_deviation;
  decltype(&kernels::update_running_statistics) update_running_statistics;
  decltype(&kernels::norm_relu_average_pool_forward) norm_relu_average_pool_forward;
  decltype(&kernels::norm_relu_average_pool_backward) norm_relu_average_pool_backward;
  decltype(&kernels::norm_relu_global_average_pool_forward) norm_relu_global_average_pool_forward;
  decltype(&kernels::norm_relu_global_average_pool_backward) norm_relu_global_average_pool_backward;
  decltype(&kernels::norm_relu_max_pool_forward) norm_relu_max_pool_forward;
  decltype(&kernels::norm_relu_max_pool_backward) norm_relu_max_pool_backward;
  decltype(&kernels::fused_conv_forward) fused_conv_forward;
  decltype(&kernels::fused_conv_dgrad) fused_conv_dgrad;
  decltype(&kernels::fused_conv_wgrad) fused_conv_wgrad;
  decltype(&kernels::fused_conv_backward) fused_conv_backward;
};

}  // namespace accrete::kernels
