// SPDX-License-Identifier: Apache-2.0
#include "support/guarded_tensor.h"

#include <cstring>
#include <limits>

namespace accrete::test {
namespace {

constexpr std::int64_t kGuardBytes = 256;  // before and behind; keeps the payload 64-byte aligned
constexpr unsigned char kCanary = 0xA5;

}  // namespace

float bf16_rounded(float value) {
  if (value != value) {
    return value;
  }
  // Veltkamp's splitting, in double: 2^45 + 1 leaves 8 of 53 bits.
  const double scaled = static_cast<double>(value) * 35184372088833.0;
  return static_cast<float>(scaled - (scaled - static_cast<double>(value)));
}

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
  std::vector<float> packed;
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    const unsigned char* row = bytes_.data() + element_offset(pixel);
    for (std::int64_t c = 0; c < shape_.c; ++c) {
      packed.push_back(read_element(row, c));
    }
  }
  return packed;
}

float GuardedTensor::read_element(const unsigned char* row, std::int64_t c) const {
  float value = 0.0F;
  if (dtype_ == DType::bf16) {
    std::memcpy(reinterpret_cast<unsigned char*>(&value) + 2, row + 2 * c, 2);
  } else {
    std::memcpy(&value, row + 4 * c, sizeof(value));
  }
  return value;
}

void GuardedTensor::set_values(const std::vector<float>& packed) {
  const float* next = packed.data();
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    unsigned char* row = bytes_.data() + element_offset(pixel);
    for (std::int64_t c = 0; c < shape_.c; ++c) {
      const float value = dtype_ == DType::bf16 ? bf16_rounded(*next) : *next;
      ++next;
      if (dtype_ == DType::bf16) {
        std::memcpy(row + 2 * c, reinterpret_cast<const unsigned char*>(&value) + 2, 2);
      } else {
        std::memcpy(row + 4 * c, &value, sizeof(value));
      }
    }
  }
}

void GuardedTensor::set_bytes(const std::vector<std::uint8_t>& packed) {
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memcpy(bytes_.data() + element_offset(pixel), packed.data() + pixel * shape_.c,
                static_cast<std::size_t>(shape_.c));
  }
}

std::vector<float> GuardedTensor::whole_numbers() const {
  std::vector<float> packed;
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    const unsigned char* row = bytes_.data() + element_offset(pixel);
    for (std::int64_t c = 0; c < shape_.c; ++c) {
      std::int32_t value = 0;
      std::memcpy(&value, row + 4 * c, sizeof(value));
      packed.push_back(static_cast<float>(value));
    }
  }
  return packed;
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
