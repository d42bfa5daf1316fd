// SPDX-License-Identifier: Apache-2.0
// The tensors of one case, on whatever device it runs.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "accrete/kernels/call.h"
#include "accrete/kernels/device_runtime.h"
#include "arithmetic.h"

namespace accrete::bench {

/// Bytes of the elements of some tensors; what lies between the rows of a slice does not count.
double bytes_of(std::initializer_list<ConstTensorView> tensors);

/// Owns what it hands out. `runtime` must outlive it.
class Workbench {
 public:
  Workbench(DeviceRuntime& runtime, Arithmetic arithmetic);
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  /// Computes products in the case's arithmetic, on this project's own kernels.
  Stream stream() const;
  Device device() const { return stream().device(); }
  DType dtype() const { return dtype_of(arithmetic_); }
  Arithmetic arithmetic() const { return arithmetic_; }
  DeviceRuntime& runtime() const { return runtime_; }

  /// Small numbers of both signs in the case's dtype. Zeros would flatter a GPU, whose clock falls
  /// with the bits that toggle. `pitch` 0: packed.
  TensorView tensor(const Shape& shape, std::int64_t pitch = 0);
  /// The same in f32, which gradients of parameters are in whatever the arithmetic.
  TensorView f32_tensor(const Shape& shape);
  /// A packed [1,1,1,C] f32 vector of one value.
  TensorView channels(std::int64_t C, float value);
  /// [N,1,1,1] i32 labels in [0, classes).
  TensorView labels(std::int64_t N, std::int64_t classes);
  /// Zeroes, packed.
  TensorView zeros(const Shape& shape, DType dtype);
  Workspace workspace(std::size_t bytes);
  /// A copy of host memory.
  void* copy_of(const void* host, std::size_t bytes);

 private:
  void* allocate(std::size_t bytes);
  TensorView patterned(const Shape& shape, std::int64_t pitch, DType dtype);

  DeviceRuntime& runtime_;
  Arithmetic arithmetic_;
  std::vector<void*> memory_;
};

}  // namespace accrete::bench
