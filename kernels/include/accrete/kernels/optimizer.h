// SPDX-License-Identifier: Apache-2.0
// Parameter updates, all parameters in one call.
#pragma once

#include "accrete/kernels/call.h"

namespace accrete::kernels {

/// One parameter tensor as packed f32 arrays of `count` elements, none of which overlap.
struct SgdParameter {
  float* value = nullptr;
  const float* gradient = nullptr;
  float* momentum = nullptr;  ///< may be null when options.momentum is 0
  std::int64_t count = 0;
  float weight_decay = 0.0F;  ///< L2: added to the gradient as weight_decay * value
  /// bf16 [count]: receives the new values, rounded to nearest even. May be null.
  std::uint16_t* rounded = nullptr;
};

struct SgdOptions {
  float learning_rate = 0.1F;
  float momentum = 0.0F;
  bool nesterov = false;
  /// One value on the stream's device; when it is not finite the call changes nothing. May be null.
  const float* loss = nullptr;
};

/// g = gradient + weight_decay * value; with momentum m: buffer = m * buffer + g (buffers start
/// at zero), and g becomes buffer, or g + m * buffer with Nesterov; value -= learning_rate * g.
/// (Sutskever et al. 2013, in the form LuaTorch and PyTorch use, dampening 0.)
struct SgdStep {
  static constexpr const char* kName = "sgd_step";
  SgdOptions options = {};
  const SgdParameter* parameters = nullptr;
  std::int64_t count = 0;
};

struct AdamParameter {
  float* value = nullptr;
  const float* gradient = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  std::int64_t count = 0;
  float weight_decay = 0.0F;
  std::uint16_t* rounded = nullptr;  ///< as in SgdParameter
};

struct AdamOptions {
  float learning_rate = 1e-3F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  /// true: value *= 1 - lr * weight_decay (AdamW, Loshchilov & Hutter 2019); false: L2 as in SGD.
  bool decoupled_weight_decay = false;
  const float* loss = nullptr;  ///< as in SgdOptions
};

/// Adam (Kingma & Ba 2015, Algorithm 1).
struct AdamStep {
  static constexpr const char* kName = "adam_step";
  AdamOptions options = {};
  std::int64_t step = 1;  ///< counts from 1 and drives the bias correction
  const AdamParameter* parameters = nullptr;
  std::int64_t count = 0;
};

}  // namespace accrete::kernels
