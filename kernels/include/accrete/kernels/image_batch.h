// SPDX-License-Identifier: Apache-2.0
// Making a batch from a set of images that are kept as bytes: normalise, resize, crop, mirror.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "accrete/kernels/call.h"

namespace accrete::kernels {

/// What is the same for every image.
struct ImageTransform {
  std::int64_t height = 0, width = 0, channels = 0;  ///< of the images of the set
  std::int64_t resized_height = 0, resized_width = 0;
  std::vector<double> mean;  ///< per channel, of pixels in [0,1]
  std::vector<double> std;   ///< per channel
};

/// One image of a batch.
struct ImagePick {
  std::int32_t image = 0;          ///< index in the set
  std::int32_t top = 0, left = 0;  ///< where the batch's window lies in the resized image
  std::int32_t flip = 0;           ///< not 0: mirrored left to right, after the crop
};

/// The set, packed.
struct ImageSet {
  ConstTensorView pixels;  ///< [M,H,W,C] u8
  ConstTensorView labels;  ///< [M,1,1,1] i32
};

/// Bytes of the tables of a transform: interpolation taps and the normalised value of every byte.
/// Error(invalid_argument) if an extent is not positive or mean and std do not have one entry per
/// channel.
std::size_t image_tables_bytes(const ImageTransform& transform);
/// Writes them to host memory at `tables` (8-byte aligned). Calls read a copy of them in the memory
/// of their device.
void make_image_tables(const ImageTransform& transform, void* tables);

/// images [N,P,Q,C] (any pitch) and labels [N,1,1,1] i32 from N picks. `tables` and `picks` are in
/// the memory of the stream's device.
///
/// A pixel is (byte / 255 - mean) / std, resizing is bilinear with pixel centres at half-integers
/// and edges repeated (what Pillow and PyTorch do when enlarging; no antialiasing when shrinking),
/// and equal sizes are copied exactly. Where the window leaves the resized image it reads 0, the
/// mean. The arithmetic is f32 without contraction, the same bits on every device; bf16 images are
/// rounded once. picks[i].image must be in [0, M): checked on the CPU, not on a GPU.
struct ImageBatch {
  static constexpr const char* kName = "image_batch";
  const ImageTransform& transform;
  const void* tables = nullptr;
  ImageSet set;
  const ImagePick* picks = nullptr;
  TensorView images, labels;
};

}  // namespace accrete::kernels
