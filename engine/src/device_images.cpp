// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/device_images.h"

#include <cstring>
#include <string>

#include "accrete/kernels/error.h"

namespace accrete {
namespace {

constexpr std::int64_t kLabelBytes = sizeof(std::int32_t);
constexpr std::int64_t kPickBytes = sizeof(kernels::ImagePick);

bool on_device(ImageResidence residence, std::int64_t bytes, const DeviceRuntime& runtime) {
  if (residence != ImageResidence::automatic) {
    return residence == ImageResidence::device;
  }
  return bytes <= runtime.free_bytes() / 10 * 9;  // drivers and graphs need some memory too
}

}  // namespace

DeviceImages::DeviceImages(DeviceRuntime& runtime, const HostImages& set,
                           const kernels::ImageTransform& transform, std::int64_t largest_batch,
                           ImageResidence residence)
    : runtime_(runtime),
      set_(set),
      transform_(transform),
      largest_batch_(largest_batch),
      resident_(on_device(residence, set.shape.n * (image_bytes() + kLabelBytes), runtime)),
      tables_bytes_(static_cast<std::int64_t>(kernels::image_tables_bytes(transform))),
      tables_(std::make_unique<Arena>(runtime, tables_bytes_)) {
  std::vector<std::byte> tables(static_cast<std::size_t>(tables_bytes_));
  kernels::make_image_tables(transform, tables.data());
  runtime.upload(tables_->at(0), tables.data(), tables_bytes_);
  if (resident_) {
    const std::int64_t labels = set.shape.n * kLabelBytes;
    const std::int64_t pixels = set.shape.n * image_bytes();
    resident_set_ = std::make_unique<Arena>(runtime, labels + pixels);
    runtime.upload(resident_set_->at(0), set.labels, labels);
    runtime.upload(resident_set_->at(labels), set.pixels, pixels);
  }
  for (Slot& slot : slots_) {
    slot.memory = std::make_unique<Arena>(runtime, slot_bytes(largest_batch));
    slot.read = runtime.fence();
  }
}

std::int64_t DeviceImages::slot_bytes_per_image(const Shape& image) {
  return 2 * (kPickBytes + kLabelBytes + image.elements());
}

std::int64_t DeviceImages::slot_bytes(std::int64_t batch) const {
  return batch * (kPickBytes + (resident_ ? 0 : kLabelBytes + image_bytes()));
}

std::int64_t DeviceImages::bytes() const {
  const std::int64_t set = resident_ ? set_.shape.n * (image_bytes() + kLabelBytes) : 0;
  return tables_bytes_ + set + 2 * slot_bytes(largest_batch_);
}

void DeviceImages::check(const std::vector<kernels::ImagePick>& picks) const {
  if (static_cast<std::int64_t>(picks.size()) > largest_batch_) {
    throw Error(ErrorCode::invalid_argument, "[device_images] " + std::to_string(picks.size()) +
                                                 " images asked for, the largest batch has " +
                                                 std::to_string(largest_batch_));
  }
  for (const kernels::ImagePick& pick : picks) {
    if (pick.image < 0 || pick.image >= set_.shape.n) {
      throw Error(ErrorCode::invalid_argument, "[device_images] there is no image " +
                                                   std::to_string(pick.image) + " in a set of " +
                                                   std::to_string(set_.shape.n));
    }
  }
}

// When the set stays on the host, the picked images form a set of their own.
void DeviceImages::stage(const std::vector<kernels::ImagePick>& picks) {
  const auto batch = static_cast<std::int64_t>(picks.size());
  staged_.resize(static_cast<std::size_t>(slot_bytes(batch)));
  auto* chosen = staged_.data();
  std::byte* labels = chosen + batch * kPickBytes;
  std::byte* pixels = labels + batch * kLabelBytes;
  for (std::int64_t i = 0; i < batch; ++i) {
    kernels::ImagePick pick = picks[static_cast<std::size_t>(i)];
    if (!resident_) {
      std::memcpy(labels + i * kLabelBytes, set_.labels + pick.image,
                  static_cast<std::size_t>(kLabelBytes));
      std::memcpy(pixels + i * image_bytes(), set_.pixels + pick.image * image_bytes(),
                  static_cast<std::size_t>(image_bytes()));
      pick.image = static_cast<std::int32_t>(i);
    }
    std::memcpy(chosen + i * kPickBytes, &pick, static_cast<std::size_t>(kPickBytes));
  }
}

kernels::ImageSet DeviceImages::set_for(const Slot& slot, std::int64_t batch) const {
  const std::int64_t count = resident_ ? set_.shape.n : batch;
  const std::byte* labels = resident_ ? resident_set_->at(0) : slot.memory->at(batch * kPickBytes);
  Shape shape = set_.shape;
  shape.n = count;
  const Device device = runtime_.stream().device();
  return {ConstTensorView(labels + count * kLabelBytes, shape, DType::u8, device),
          ConstTensorView(labels, {count, 1, 1, 1}, DType::i32, device)};
}

void DeviceImages::make_batch(const std::vector<kernels::ImagePick>& picks,
                              const TensorView& images, const TensorView& labels) {
  check(picks);
  stage(picks);
  Slot& slot = slots_[next_];
  next_ = (next_ + 1) % slots_.size();
  const auto batch = static_cast<std::int64_t>(picks.size());
  const std::unique_ptr<Fence> staged = runtime_.upload_beside(slot.memory->at(0), staged_.data(),
                                                               slot_bytes(batch), slot.read.get());
  runtime_.order_after(staged.get());
  kernels::run(runtime_.stream(),
               kernels::ImageBatch{transform_, tables_->at(0), set_for(slot, batch),
                                   reinterpret_cast<const kernels::ImagePick*>(slot.memory->at(0)),
                                   images, labels});
  slot.read = runtime_.fence();
}

}  // namespace accrete
