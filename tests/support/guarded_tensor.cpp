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

GuardedTensor::GuardedTensor(const Shape& shape, Layout layout, DType dtype)
    : shape_(shape),
      layout_(layout),
      dtype_(dtype),
      pitch_(layout.offset + shape.c + layout.after),
      memory_(static_cast<std::size_t>(shape.pixels() * pitch_) * dtype_bytes(dtype) +
              2 * kGuardBytes) {
  std::vector<unsigned char> bytes(memory_.bytes(), kCanary);
  for (std::int64_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    std::memset(bytes.data() + element_offset(pixel), 0,
                static_cast<std::size_t>(shape.c) * dtype_bytes(dtype));
  }
  memory_.write(bytes);
}

std::int64_t GuardedTensor::element_offset(std::int64_t pixel) const {
  return kGuardBytes +
         (pixel * pitch_ + layout_.offset) * static_cast<std::int64_t>(dtype_bytes(dtype_));
}

TensorView GuardedTensor::view() {
  return {memory_.address() + element_offset(0), shape_, pitch_, dtype_, memory_space().device};
}

ConstTensorView GuardedTensor::view() const {
  return {memory_.address() + element_offset(0), shape_, pitch_, dtype_, memory_space().device};
}

std::vector<float> GuardedTensor::values() const {
  const std::vector<unsigned char> bytes = memory_.read();
  std::vector<float> packed;
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    const unsigned char* row = bytes.data() + element_offset(pixel);
    for (std::int64_t c = 0; c < shape_.c; ++c) {
      packed.push_back(read_element(row, c));
    }
  }
  return packed;
}

float GuardedTensor::read_element(const unsigned char* row, std::int64_t c) const {
  float value = 0.0F;
  if (dtype_ == DType::u8) {
    value = row[c];
  } else if (dtype_ == DType::bf16) {
    std::memcpy(reinterpret_cast<unsigned char*>(&value) + 2, row + 2 * c, 2);
  } else if (dtype_ == DType::i32) {
    std::int32_t whole = 0;
    std::memcpy(&whole, row + 4 * c, sizeof(whole));
    value = static_cast<float>(whole);
  } else {
    std::memcpy(&value, row + 4 * c, sizeof(value));
  }
  return value;
}

void GuardedTensor::write_element(unsigned char* row, std::int64_t c, float value) const {
  if (dtype_ == DType::u8) {
    row[c] = static_cast<unsigned char>(value);
  } else if (dtype_ == DType::bf16) {
    const float rounded = bf16_rounded(value);
    std::memcpy(row + 2 * c, reinterpret_cast<const unsigned char*>(&rounded) + 2, 2);
  } else {
    std::memcpy(row + 4 * c, &value, sizeof(value));
  }
}

void GuardedTensor::set_values(const std::vector<float>& packed) {
  std::vector<unsigned char> bytes = memory_.read();
  const float* next = packed.data();
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    unsigned char* row = bytes.data() + element_offset(pixel);
    for (std::int64_t c = 0; c < shape_.c; ++c) {
      write_element(row, c, *next++);
    }
  }
  memory_.write(bytes);
}

void GuardedTensor::set_labels(const std::vector<std::int32_t>& packed) {
  std::vector<unsigned char> bytes = memory_.read();
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memcpy(bytes.data() + element_offset(pixel), packed.data() + pixel * shape_.c,
                static_cast<std::size_t>(shape_.c) * sizeof(std::int32_t));
  }
  memory_.write(bytes);
}

void GuardedTensor::poison() {
  set_values(std::vector<float>(static_cast<std::size_t>(shape_.elements()),
                                std::numeric_limits<float>::quiet_NaN()));
}

std::string GuardedTensor::damage() const {
  const std::vector<unsigned char> bytes = memory_.read();
  std::vector<unsigned char> own(bytes.size(), 0);
  for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
    std::memset(own.data() + element_offset(pixel), 1,
                static_cast<std::size_t>(shape_.c) * dtype_bytes(dtype_));
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (own[i] == 0 && bytes[i] != kCanary) {
      return "byte " + std::to_string(static_cast<std::int64_t>(i) - kGuardBytes) +
             " relative to the buffer of a tensor " + to_string(shape_) + ", pitch " +
             std::to_string(pitch_);
    }
  }
  return {};
}

}  // namespace accrete::test
