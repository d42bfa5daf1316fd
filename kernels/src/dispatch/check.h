// SPDX-License-Identifier: Apache-2.0
// Checks shared by the public entry points: every message names the op, the tensor and the shapes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument, "[op] message").
[[noreturn]] void fail(const char* op, const std::string& message);

/// Throws Error(unsupported) unless kernels compute with this dtype: f32 or bf16.
void require_float_dtype(const char* op, DType dtype);

/// Throws unless it is one of the two.
void require_mode(const char* op, GradMode mode);

/// Throws unless `data` is a multiple of `bytes`. Null is one.
void require_aligned(const char* op, const char* name, const void* data, std::size_t bytes);

/// The view must have data at a multiple of its element's bytes, this shape, which must be a
/// possible one, this dtype, pitch >= C, at most kMostElements with what lies between the rows, and
/// the stream's device.
void require_tensor(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype = DType::f32);

/// The tensor that decides a call's dtype: any shape, a dtype that the device computes with.
void require_activation(const char* op, const Stream& stream, const char* name,
                        const ConstTensorView& view);

/// As require_tensor, and pitch == C.
void require_packed(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype = DType::f32);

/// At least so many bytes, at a multiple of 64. The tickets of the stream must be there too: they
/// serve the calls that have workspaces.
void require_workspace(const char* op, const Stream& stream, const Workspace& workspace,
                       std::size_t bytes);

/// What a call writes may overlap nothing else that it reads or writes, but where its header lets a
/// view be both. Builds without NDEBUG check that; others do not ask.
///   Overlaps(kOp).writes("y", y).reads_in_place("x", x).reads("bias", bias).require_none();
class Overlaps {
 public:
#ifdef NDEBUG
  explicit Overlaps(const char* /*op*/) {}
  Overlaps& writes(const char* /*name*/, const ConstTensorView& /*view*/) {
    return *this;
  }
  Overlaps& reads(const char* /*name*/, const ConstTensorView& /*view*/) {
    return *this;
  }
  Overlaps& reads_in_place(const char* /*name*/, const ConstTensorView& /*view*/,
                           GradMode /*mode*/ = GradMode::overwrite) {
    return *this;
  }
  void require_none() const {}
#else
  explicit Overlaps(const char* op) : op_(op) {}
  Overlaps& writes(const char* name, const ConstTensorView& view);
  Overlaps& reads(const char* name, const ConstTensorView& view);
  /// As reads; and with mode overwrite what is written may be this very view.
  Overlaps& reads_in_place(const char* name, const ConstTensorView& view,
                           GradMode mode = GradMode::overwrite);
  /// Throws Error(invalid_argument), naming both tensors, where two overlap.
  void require_none() const;

 private:
  enum class Use : std::uint8_t { written, read, read_in_place };
  struct Operand {
    const char* name;
    ConstTensorView view;
    Use use;
  };
  Overlaps& add(const Operand& operand);

  const char* op_;
  std::array<Operand, 32> operands_;  // a call that is in order must not allocate
  std::size_t count_ = 0;
#endif
};

}  // namespace accrete::kernels
