// SPDX-License-Identifier: Apache-2.0
// What the networks do besides convolving: activations, pools, linear layers, batches of images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/kernels/problem.h"
#include "batches.h"

namespace accrete::bench {

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
