// SPDX-License-Identifier: Apache-2.0
// Input of a GPU: a set of images kept as bytes, made into batches by the device. The set lies in
// device memory if it fits; otherwise the bytes of each batch are copied there, double-buffered,
// while the steps before it run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "accrete/engine/arena.h"
#include "accrete/kernels/image_batch.h"

namespace accrete {

/// Images in host memory, packed.
struct HostImages {
  const std::uint8_t* pixels = nullptr;  ///< [M,H,W,C]
  const std::int32_t* labels = nullptr;  ///< [M]
  Shape shape;
};

/// Where the set lies.
enum class ImageResidence : std::uint8_t {
  automatic,  ///< in device memory if it fits
  device,
  host,
};

class DeviceImages {
 public:
  /// Allocates device memory. `runtime` must outlive this, and so must the host memory of `set`
  /// unless resident(). Batches have at most `largest_batch` images.
  DeviceImages(DeviceRuntime& runtime, const HostImages& set,
               const kernels::ImageTransform& transform, std::int64_t largest_batch,
               ImageResidence residence = ImageResidence::automatic);

  /// Device memory taken at most, besides a set that is resident, for each image of the largest
  /// batch. `image` is one image of the set.
  static std::int64_t slot_bytes_per_image(const Shape& image);

  bool resident() const { return resident_; }
  /// Device memory taken.
  std::int64_t bytes() const;

  /// Queues the making of a batch on the runtime's stream: images [N,P,Q,C] and labels [N,1,1,1]
  /// from N picks. Error(invalid_argument) for more picks than the largest batch or an image that
  /// the set does not have.
  void make_batch(const std::vector<kernels::ImagePick>& picks, const TensorView& images,
                  const TensorView& labels);

 private:
  // What one batch needs besides a resident set, in one block: picks, labels, pixels.
  struct Slot {
    std::unique_ptr<Arena> memory;
    std::unique_ptr<Fence> read;  // everything before may be overwritten
  };
  std::int64_t image_bytes() const { return set_.shape.h * set_.shape.w * set_.shape.c; }
  std::int64_t slot_bytes(std::int64_t batch) const;
  void check(const std::vector<kernels::ImagePick>& picks) const;
  void stage(const std::vector<kernels::ImagePick>& picks);
  kernels::ImageSet set_for(const Slot& slot, std::int64_t batch) const;

  DeviceRuntime& runtime_;
  HostImages set_;
  kernels::ImageTransform transform_;
  std::int64_t largest_batch_;
  bool resident_;
  std::int64_t tables_bytes_;
  std::unique_ptr<Arena> tables_;
  std::unique_ptr<Arena> resident_set_;  // labels, then pixels; null when not resident
  std::array<Slot, 2> slots_;
  std::size_t next_ = 0;
  std::vector<std::byte> staged_;  // a slot's contents on the host
};

}  // namespace accrete
