// SPDX-License-Identifier: Apache-2.0
// The tensors of a call, each said once: from this list follow the checks of a call, which of its
// tensors may overlap, and the bytes it moves. Every call struct has a function
// `Operands operands_of(const Call&)` beside its entry in call/<family>.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <string>

#include "accrete/kernels/call.h"
#include "accrete/kernels/norm_relu.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument, "[op] message").
[[noreturn]] void fail(const char* op, const std::string& message);

/// Throws Error(unsupported) unless kernels compute with this dtype: f32 or bf16.
void require_float_dtype(const char* op, DType dtype);
/// Throws unless it is one of the two.
void require_mode(const char* op, GradMode mode);
/// Throws unless positive and finite.
void require_epsilon(const char* op, float epsilon);
/// Throws unless `data` is a multiple of `bytes`. Null is one.
void require_aligned(const char* op, const char* name, const void* data, std::size_t bytes);

class Operands {
 public:
  enum class Use : std::uint8_t { read, read_in_place, written };

  /// Of a call named `op` whose activations have this dtype, one that kernels compute with.
  Operands(const char* op, DType dtype);
  Operands(const Operands& other);
  Operands& operator=(const Operands&) = delete;

  /// `view` has this shape and the dtype of the call.
  Operands& reads(const char* name, const ConstTensorView& view, const Shape& shape) {
    return add({name, view, shape, dtype_, Use::read});
  }
  Operands& writes(const char* name, const ConstTensorView& view, const Shape& shape) {
    return add({name, view, shape, dtype_, Use::written});
  }
  /// As reads; and what is written may be this very view, unless it accumulates.
  Operands& reads_in_place(const char* name, const ConstTensorView& view, const Shape& shape,
                           GradMode mode = GradMode::overwrite);
  /// A gradient that is overwritten or accumulated.
  Operands& writes(const char* name, const ConstTensorView& view, const Shape& shape,
                   GradMode mode);
  /// Of another dtype, packed or not.
  Operands& other(const char* name, const ConstTensorView& view, const Shape& shape, DType dtype,
                  Use use, bool packed);

  Operands& reads_packed(const char* name, const ConstTensorView& view, const Shape& shape) {
    return other(name, view, shape, dtype_, Use::read, true);
  }
  /// f32 vectors over C channels.
  Operands& reads_vector(const char* name, const ConstTensorView& view, std::int64_t C) {
    return other(name, view, channel_vector(C), DType::f32, Use::read, true);
  }
  Operands& writes_vector(const char* name, const ConstTensorView& view, std::int64_t C) {
    return other(name, view, channel_vector(C), DType::f32, Use::written, true);
  }
  /// Packed f32 gradients of parameters.
  Operands& writes_parameter(const char* name, const ConstTensorView& view, const Shape& shape,
                             GradMode mode);

  // The parts of norm_relu.h. All but `norm` may be empty, as a whole.
  Operands& norm(const NormRelu& norm, std::int64_t C);
  Operands& norm_if_any(const NormRelu& norm, std::int64_t C);
  Operands& statistics(const StatisticsOutput& statistics, std::int64_t C);
  Operands& deferred(const DeferredGradient& gradient, const Shape& y, Use of_g = Use::read);
  /// What a reader of x, through `norm` or not, makes of its gradient. Without a norm x is empty,
  /// unless the call has another use for it.
  enum class GivenX : std::uint8_t { with_norm, always };
  Operands& gradient_of(const ConstTensorView& x, const NormRelu& norm,
                        const NormReluGradient& gradient, const Shape& shape,
                        GivenX given = GivenX::with_norm);

  /// The operand named last is moved once more: another pass over it, or an accumulation.
  Operands& again();

  /// Every view has data at a multiple of its elements, its shape, its dtype, a pitch >= C (== C if
  /// packed) with at most kMostElements in its rows, and the device of the stream. In builds
  /// without NDEBUG: no tensor that is written overlaps another, but where it may be it.
  void require_valid(const Stream& stream) const;
  /// Bytes of all, as often as they are moved.
  std::int64_t bytes() const;
  const char* op() const { return op_; }

 private:
  struct Operand {
    const char* name = nullptr;
    ConstTensorView view;
    Shape shape;
    DType dtype = DType::f32;
    Use use = Use::read;
    bool packed = false;
    std::int8_t passes = 1;
  };
  Operands& add(const Operand& operand);
  void put(const Operand& operand);
  void require_no_overlaps() const;

  const char* op_;
  DType dtype_;
  const Operand& at(std::size_t i) const {
    return *std::launder(reinterpret_cast<const Operand*>(room_.data()) + i);
  }

  // A call that is in order allocates nothing, and writes only the operands it has.
  static constexpr std::size_t kMost = 24;
  alignas(Operand) std::array<std::byte, kMost * sizeof(Operand)> room_;
  std::size_t count_ = 0;
};

/// At least so many bytes, at a multiple of 64. The tickets of the stream must be there too: they
/// serve the calls that have workspaces.
void require_workspace(const char* op, const Stream& stream, const Workspace& workspace,
                       std::size_t bytes);

}  // namespace accrete::kernels
