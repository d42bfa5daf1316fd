// SPDX-License-Identifier: Apache-2.0
// What the networks that this project trains are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::bench {

// Images per batch, by network.

struct Batches {
  std::int64_t d2l96 = 64;  ///< the net of the Dive into Deep Learning chapter, 96x96 images
  std::int64_t bc100 = 64;  ///< DenseNet-BC (L=100, growth 12), 32x32 images
  std::int64_t dn121 = 16;  ///< DenseNet-121, 224x224 images

  std::int64_t of(const std::string& network) const {
    return network == "d2l96" ? d2l96 : network == "bc100" ? bc100 : dn121;
  }
};

/// `all` 0: what each device is usually given.
inline Batches batches_of(DeviceKind device, std::int64_t all) {
  if (all > 0) {
    return {all, all, all};
  }
  return device == DeviceKind::cuda ? Batches{256, 64, 64} : Batches{};
}

// The convolutions of the networks this project trains.

struct ConvShape {
  std::string name;
  ConvProblem problem;
  /// Channels of the buffer y is a slice of; 0 when y is a tensor of its own.
  std::int64_t buffer_channels = 0;
};

std::vector<ConvShape> conv_shapes(const Batches& batches);

// What the networks do besides convolving: activations, pools, linear layers, batches of images.

/// An activation as batch norm reads it: the first C channels of a buffer of `pitch`.
struct ActivationShape {
  std::string name;  ///< "dn121/56x56/128"
  Shape shape;
  std::int64_t pitch = 0;
};
std::vector<ActivationShape> activation_shapes(const Batches& batches);

struct PoolShape {
  std::string name;  ///< "max/dn121/112x112/64"
  PoolProblem problem;
};
std::vector<PoolShape> pool_shapes(const Batches& batches);
/// Activations that are averaged over all of the image, packed.
std::vector<ActivationShape> global_pool_shapes(const Batches& batches);

struct LinearShape {
  std::string name;  ///< "dn121/1024-1000"
  std::int64_t N = 1, C = 1, K = 1;
};
/// The classifiers; their K is the number of classes of the loss.
std::vector<LinearShape> linear_shapes(const Batches& batches);

/// Batches made from sets of images.
struct ImageShape {
  std::string name;  ///< "d2l96/28x28-96x96"
  std::int64_t N = 1;
  std::int64_t channels = 1, stored = 1, resized = 1, window = 1;  ///< squares
};
std::vector<ImageShape> image_shapes(const Batches& batches);

}  // namespace accrete::bench
