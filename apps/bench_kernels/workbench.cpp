// SPDX-License-Identifier: Apache-2.0
#include "workbench.h"

#include <algorithm>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/elementwise.h"

namespace accrete::bench {
namespace {

constexpr std::size_t kPatternElements = 251U * 1024U;

float pattern_value(std::size_t i) {
  return 0.001F * static_cast<float>(i % 251) - 0.125F;
}

std::vector<std::byte> pattern(DType dtype) {
  std::vector<std::byte> bytes(kPatternElements * dtype_bytes(dtype));
  for (std::size_t i = 0; i < kPatternElements; ++i) {
    if (dtype == DType::bf16) {
      reinterpret_cast<std::uint16_t*>(bytes.data())[i] = bf16_bits(pattern_value(i));
    } else {
      reinterpret_cast<float*>(bytes.data())[i] = pattern_value(i);
    }
  }
  return bytes;
}

}  // namespace

double bytes_of(std::initializer_list<ConstTensorView> tensors) {
  double bytes = 0.0;
  for (const ConstTensorView& tensor : tensors) {
    bytes += static_cast<double>(tensor.shape.elements()) *
             static_cast<double>(dtype_bytes(tensor.dtype));
  }
  return bytes;
}

Workbench::Workbench(DeviceRuntime& runtime, Arithmetic arithmetic)
    : runtime_(runtime), arithmetic_(arithmetic) {}

Workbench::~Workbench() {
  for (void* memory : memory_) {
    runtime_.release(memory);
  }
}

Stream Workbench::stream() const {
  return runtime_.stream().with_blas(nullptr).with_float_math(float_math_of(arithmetic_));
}

void* Workbench::allocate(std::size_t bytes) {
  memory_.reserve(memory_.size() + 1);  // nothing may throw between allocating and remembering
  memory_.push_back(runtime_.allocate(static_cast<std::int64_t>(std::max<std::size_t>(bytes, 1))));
  return memory_.back();
}

TensorView Workbench::patterned(const Shape& shape, std::int64_t pitch, DType dtype) {
  static const std::vector<std::byte> kF32 = pattern(DType::f32);
  static const std::vector<std::byte> kBf16 = pattern(DType::bf16);
  const std::vector<std::byte>& source = dtype == DType::bf16 ? kBf16 : kF32;
  const std::int64_t row = pitch == 0 ? shape.c : pitch;
  const auto bytes = static_cast<std::size_t>(shape.pixels() * row) * dtype_bytes(dtype);
  auto* data = static_cast<std::byte*>(allocate(bytes));
  for (std::size_t done = 0; done < bytes; done += source.size()) {
    runtime_.upload(data + done, source.data(),
                    static_cast<std::int64_t>(std::min(source.size(), bytes - done)));
  }
  return {data, shape, row, dtype, device()};
}

TensorView Workbench::tensor(const Shape& shape, std::int64_t pitch) {
  return patterned(shape, pitch, dtype());
}

TensorView Workbench::f32_tensor(const Shape& shape) {
  return patterned(shape, 0, DType::f32);
}

TensorView Workbench::channels(std::int64_t C, float value) {
  const TensorView vector = zeros(channel_vector(C), DType::f32);
  kernels::run(stream(), kernels::Fill{vector, value});
  return vector;
}

TensorView Workbench::labels(std::int64_t N, std::int64_t classes) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(N));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::int32_t>(static_cast<std::int64_t>(7 * i) % classes);
  }
  return {copy_of(values.data(), values.size() * sizeof(values[0])),
          {N, 1, 1, 1},
          DType::i32,
          device()};
}

TensorView Workbench::zeros(const Shape& shape, DType dtype) {
  const auto bytes = static_cast<std::size_t>(shape.elements()) * dtype_bytes(dtype);
  return {allocate(bytes), shape, dtype, device()};
}

Workspace Workbench::workspace(std::size_t bytes) {
  return {allocate(bytes), bytes};
}

void* Workbench::copy_of(const void* host, std::size_t bytes) {
  void* data = allocate(bytes);
  runtime_.upload(data, host, static_cast<std::int64_t>(bytes));
  return data;
}

}  // namespace accrete::bench
