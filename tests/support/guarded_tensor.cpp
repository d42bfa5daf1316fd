// SPDX-License-Identifier: Apache-2.0
#include "support/guarded_tensor.h"

#include <cstring>
#include <limits>

namespace accrete::test {
namespace {

constexpr std::int64_t kGuardBytes = 256;  // before and behind; keeps the payload 64-byte aligned
constexpr unsigned char kCanary = 0xA5;

}  // namespace

Device GuardedTensor::device;

GuardedTensor::GuardedTensor(const Shape& shape, Layout layout, DType dtype)
    : shape_(shape),
      layout_(layout),
      dtype_(dtype),
      pitch_(layout.offset + shape.c + layout.after) {
  const auto element = static_cast<std::int64_t>(dtype_bytes(dtype));
  const std::int64_t payload = shape.pixels() * pitch_ * element;
  bytes_.assign(static_cast<std::size_t>(payload + 2 * kGuardBytes), kCanary);
  for (std::int64_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    std::memset(bytes_.data() + element_offset(pixel), 0,
                static_cast<std::size_t>(shape.c * element));
  }
}

std::int64_t GuardedTensor::element_offset(std::int64_t pixel) const {
  return kGuardBytes +
         (pixel * pitch_ + layout_.offset) * static_cast<std::int64_t>(dtype_bytes(dtype_));
}

TensorView GuardedTensor::view() {
  return {bytes_.data() + element_offset(0), shape_, pitch_, dtype_, device};
}

ConstTensorView GuardedTensor::view() const {
  return {bytes_.data() + element_offset(0), shape_, pitch_, dtype_, device};
}

std::vector<float> GuardedTensor::values() const {
  std::vector<float> packed(static_cast<std::size_t>(shape_.elements()));
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memcpy(packed.data() + pixel * shape_.c, bytes_.data() + element_offset(pixel),
                static_cast<std::size_t>(shape_.c) * sizeof(float));
  }
  return packed;
}

void GuardedTensor::set_values(const std::vector<float>& packed) {
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memcpy(bytes_.data() + element_offset(pixel), packed.data() + pixel * shape_.c,
                static_cast<std::size_t>(shape_.c) * sizeof(float));
  }
}

void GuardedTensor::set_labels(const std::vector<std::int32_t>& packed) {
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memcpy(bytes_.data() + element_offset(pixel), packed.data() + pixel * shape_.c,
                static_cast<std::size_t>(shape_.c) * sizeof(std::int32_t));
  }
}

void GuardedTensor::poison() {
  set_values(std::vector<float>(static_cast<std::size_t>(shape_.elements()),
                                std::numeric_limits<float>::quiet_NaN()));
}

std::string GuardedTensor::damage() const {
  const auto element = static_cast<std::int64_t>(dtype_bytes(dtype_));
  std::vector<unsigned char> own(bytes_.size(), 0);
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memset(own.data() + element_offset(pixel), 1,
                static_cast<std::size_t>(shape_.c * element));
  }
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (own[i] == 0 && bytes_[i] != kCanary) {
      return "byte " + std::to_string(static_cast<std::int64_t>(i) - kGuardBytes) +
             " relative to the buffer of a tensor " + to_string(shape_) + ", pitch " +
             std::to_string(pitch_);
    }
  }
  return {};
}

}  // namespace accrete::test
