// SPDX-License-Identifier: Apache-2.0
// Non-owning views of tensors: pointer, shape, row pitch, dtype, device.
//
// A tensor is a matrix of pixels() rows by c columns in NHWC order. `pitch` is the distance in
// elements between the first channels of two neighbouring pixels, and may exceed c: a slice of the
// channels of a wider buffer is a tensor too. Nothing between c and pitch is ever read or written.
#pragma once

#include <cstdint>
#include <string>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/shape.h"

namespace accrete {

// Where a tensor lives and a kernel runs.

enum class DeviceKind : std::uint8_t { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;  ///< CUDA ordinal; always 0 for the CPU

  friend bool operator==(const Device& a, const Device& b) {
    return a.kind == b.kind && a.index == b.index;
  }
  friend bool operator!=(const Device& a, const Device& b) { return !(a == b); }
};

/// The words used in reports: "cpu" or "gpu(0)".
inline std::string to_string(const Device& device) {
  return device.kind == DeviceKind::cpu ? "cpu" : "gpu(" + std::to_string(device.index) + ")";
}

template <class Void>
struct BasicTensorView {
  Void* data = nullptr;
  Shape shape{0, 0, 0, 0};
  std::int64_t pitch = 0;  ///< elements from one pixel to the next, >= shape.c
  DType dtype = DType::f32;
  Device device;

  BasicTensorView() = default;
  BasicTensorView(Void* data_in, const Shape& shape_in, std::int64_t pitch_in,
                  DType dtype_in = DType::f32, Device device_in = {})
      : data(data_in), shape(shape_in), pitch(pitch_in), dtype(dtype_in), device(device_in) {}
  /// A packed tensor (pitch == c).
  BasicTensorView(Void* data_in, const Shape& shape_in, DType dtype_in = DType::f32,
                  Device device_in = {})
      : BasicTensorView(data_in, shape_in, shape_in.c, dtype_in, device_in) {}

  /// Whether the elements lie without gaps.
  bool packed() const { return pitch == shape.c || shape.pixels() == 1; }
  /// Whether there is a tensor at all: optional operands are empty views. One without data is a
  /// tensor whose memory is still to be planned.
  explicit operator bool() const { return shape.c != 0; }

  /// Channels [offset, offset + count) as a view with the same pitch. No range check.
  BasicTensorView channels(std::int64_t offset, std::int64_t count) const {
    BasicTensorView slice = *this;
    const auto shift = static_cast<std::int64_t>(dtype_bytes(dtype)) * offset;
    using Byte = decltype(byte_type(static_cast<Void*>(nullptr)));
    slice.data = reinterpret_cast<Byte>(data) + shift;
    slice.shape.c = count;
    return slice;
  }

 private:
  static char* byte_type(void*);
  static const char* byte_type(const void*);
};

/// A view that may be written.
struct TensorView : BasicTensorView<void> {
  using BasicTensorView::BasicTensorView;
  TensorView(const BasicTensorView& base) : BasicTensorView(base) {}  // NOLINT: slices convert
  float* f32() const { return static_cast<float*>(data); }
  std::int32_t* i32() const { return static_cast<std::int32_t*>(data); }
  std::uint8_t* u8() const { return static_cast<std::uint8_t*>(data); }
};

/// A view that is only read. Every TensorView converts to one.
struct ConstTensorView : BasicTensorView<const void> {
  using BasicTensorView::BasicTensorView;
  ConstTensorView(const BasicTensorView& base) : BasicTensorView(base) {}  // NOLINT: slices convert
  ConstTensorView(const TensorView& view)  // NOLINT: const conversion
      : BasicTensorView(view.data, view.shape, view.pitch, view.dtype, view.device) {}
  const float* f32() const { return static_cast<const float*>(data); }
  const std::int32_t* i32() const { return static_cast<const std::int32_t*>(data); }
  const std::uint8_t* u8() const { return static_cast<const std::uint8_t*>(data); }
};

}  // namespace accrete
