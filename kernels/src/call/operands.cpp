// SPDX-License-Identifier: Apache-2.0
#include "call/operands.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"

namespace accrete::kernels {
namespace {

constexpr std::size_t kWorkspaceAlignment = 64;  // call.h

void require_possible(const char* op, const char* name, const Shape& shape) {
  try {
    check_shape(shape, name);
  } catch (const Error& error) {
    fail(op, error.what());
  }
}

void require_pitch(const char* op, const char* name, const ConstTensorView& view) {
  if (view.pitch < view.shape.c) {
    fail(op, std::string(name) + " " + to_string(view.shape) + " has pitch " +
                 std::to_string(view.pitch) + ", which is less than its channels");
  }
  if (!checked_product({view.shape.pixels(), view.pitch}).at_most(kMostElements)) {
    fail(op, std::string(name) + " " + to_string(view.shape) + " has pitch " +
                 std::to_string(view.pitch) + "; its rows span more than 2^40 elements");
  }
}

void require_tensor(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype) {
  // Strings are built only to be thrown: a call that is in order must not allocate.
  if (view.data == nullptr) {
    fail(op, std::string(name) + " has no data, expected a tensor " + to_string(shape));
  }
  if (view.shape != shape) {
    fail(op, std::string(name) + " is " + to_string(view.shape) + ", expected " + to_string(shape));
  }
  if (view.dtype != dtype) {
    fail(op,
         std::string(name) + " is " + dtype_name(view.dtype) + ", expected " + dtype_name(dtype));
  }
  require_pitch(op, name, view);
  require_aligned(op, name, view.data, dtype_bytes(dtype));
  if (view.device != stream.device()) {
    fail(op, std::string(name) + " is on " + to_string(view.device) + ", the stream on " +
                 to_string(stream.device()));
  }
}

void require_packed(const char* op, const char* name, const ConstTensorView& view) {
  if (!view.packed()) {
    fail(op, std::string(name) + " " + to_string(view.shape) + " must be packed, has pitch " +
                 std::to_string(view.pitch));
  }
}

}  // namespace

void fail(const char* op, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, std::string("[") + op + "] " + message);
}

void require_float_dtype(const char* op, DType dtype) {
  if (dtype != DType::f32 && dtype != DType::bf16) {
    throw Error(ErrorCode::unsupported, std::string("[") + op + "] has no kernel for " +
                                            dtype_name(dtype) + "; it takes f32 or bf16");
  }
}

void require_mode(const char* op, GradMode mode) {
  if (mode != GradMode::overwrite && mode != GradMode::accumulate) {
    fail(op,
         "mode is " + std::to_string(static_cast<int>(mode)) + ", must be overwrite or accumulate");
  }
}

void require_aligned(const char* op, const char* name, const void* data, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(data) % bytes != 0) {
    fail(op, std::string(name) + " must start at a multiple of " + std::to_string(bytes) +
                 " bytes, is " + std::to_string(reinterpret_cast<std::uintptr_t>(data) % bytes) +
                 " beyond one");
  }
}

void require_workspace(const char* op, const Stream& stream, const Workspace& workspace,
                       std::size_t bytes) {
  if (workspace.bytes < bytes || (bytes > 0 && workspace.data == nullptr)) {
    fail(op, "workspace has " + std::to_string(workspace.bytes) + " bytes, needs " +
                 std::to_string(bytes));
  }
  if (bytes > 0) {
    require_aligned(op, "workspace", workspace.data, kWorkspaceAlignment);
  }
  const Tickets tickets = stream.tickets();
  if (tickets.count < 0 || (tickets.count > 0 && tickets.counters == nullptr)) {
    fail(op, "the stream has " + std::to_string(tickets.count) + " tickets" +
                 (tickets.counters == nullptr ? " at a null pointer" : ""));
  }
  require_aligned(op, "the stream's tickets", tickets.counters, alignof(std::uint32_t));
}

// Written so that NaN fails too.
void require_epsilon(const char* op, float epsilon) {
  if (!(epsilon > 0.0F) || !std::isfinite(epsilon)) {
    fail(op, "epsilon is " + std::to_string(epsilon) + ", must be positive and finite");
  }
}

Operands::Operands(const char* op, DType dtype) : op_(op), dtype_(dtype) {
  require_float_dtype(op, dtype);
}

void Operands::put(const Operand& operand) {
  if (count_ == kMost) {
    throw Error(ErrorCode::internal, std::string("[") + op_ + "] has too many operands");
  }
  std::construct_at(reinterpret_cast<Operand*>(room_.data()) + count_++, operand);
}

Operands::Operands(const Operands& other) : op_(other.op_), dtype_(other.dtype_) {
  while (count_ < other.count_) {
    put(other.at(count_));
  }
}

Operands& Operands::add(const Operand& operand) {
  require_possible(op_, operand.name, operand.shape);
  put(operand);
  return *this;
}

Operands& Operands::other(const char* name, const ConstTensorView& view, const Shape& shape,
                          DType dtype, Use use, bool packed) {
  return add({name, view, shape, dtype, use, packed});
}

Operands& Operands::reads_in_place(const char* name, const ConstTensorView& view,
                                   const Shape& shape, GradMode mode) {
  const Use use = mode == GradMode::overwrite ? Use::read_in_place : Use::read;
  return add({name, view, shape, dtype_, use});
}

Operands& Operands::writes(const char* name, const ConstTensorView& view, const Shape& shape,
                           GradMode mode) {
  require_mode(op_, mode);
  writes(name, view, shape);
  return mode == GradMode::accumulate ? again() : *this;
}

Operands& Operands::writes_parameter(const char* name, const ConstTensorView& view,
                                     const Shape& shape, GradMode mode) {
  require_mode(op_, mode);
  other(name, view, shape, DType::f32, Use::written, true);
  return mode == GradMode::accumulate ? again() : *this;
}

Operands& Operands::again() {
  Operand last = at(--count_);
  ++last.passes;
  put(last);
  return *this;
}

Operands& Operands::norm(const NormRelu& norm, std::int64_t C) {
  return reads_vector("norm.mean", norm.mean, C)
      .reads_vector("norm.inv_std", norm.inv_std, C)
      .reads_vector("norm.gamma", norm.gamma, C)
      .reads_vector("norm.beta", norm.beta, C);
}

namespace {

// A norm that is given in part is one whose other vectors are missing.
bool any_of(const NormRelu& norm) {
  return norm || norm.inv_std || norm.gamma || norm.beta;
}

}  // namespace

Operands& Operands::norm_if_any(const NormRelu& norm, std::int64_t C) {
  return any_of(norm) ? this->norm(norm, C) : *this;
}

Operands& Operands::statistics(const StatisticsOutput& statistics, std::int64_t C) {
  if (!statistics && !statistics.variance && !statistics.inv_std) {
    return *this;
  }
  require_epsilon(op_, statistics.epsilon);
  return writes_vector("statistics.mean", statistics.mean, C)
      .writes_vector("statistics.variance", statistics.variance, C)
      .writes_vector("statistics.inv_std", statistics.inv_std, C);
}

Operands& Operands::deferred(const DeferredGradient& gradient, const Shape& y, Use of_g) {
  add({"grad_y.g", gradient.g, y, dtype_, of_g});
  if (gradient.y || gradient.mean || gradient.inv_std || gradient.a || gradient.b) {
    reads("grad_y.y", gradient.y, y);
    reads_vector("grad_y.mean", gradient.mean, y.c);
    reads_vector("grad_y.inv_std", gradient.inv_std, y.c);
    reads_vector("grad_y.a", gradient.a, y.c);
    reads_vector("grad_y.b", gradient.b, y.c);
  }
  return *this;
}

Operands& Operands::gradient_of(const ConstTensorView& x, const NormRelu& norm,
                                const NormReluGradient& gradient, const Shape& shape,
                                GivenX given) {
  norm_if_any(norm, shape.c);
  if (any_of(norm) || given == GivenX::always) {
    reads("x", x, shape);
  } else if (x) {
    fail(op_, "x must be empty without a norm");
  }
  writes("grad_x.g", gradient.g, shape, gradient.mode);
  if (!any_of(norm)) {
    if (gradient.a || gradient.b || gradient.grad_gamma || gradient.grad_beta) {
      fail(op_, "grad_x.a, .b, .grad_gamma and .grad_beta must be empty without a norm");
    }
    return *this;
  }
  if (gradient.a || gradient.b) {
    // They accumulate as g does.
    writes_parameter("grad_x.a", gradient.a, channel_vector(shape.c), gradient.mode);
    writes_parameter("grad_x.b", gradient.b, channel_vector(shape.c), gradient.mode);
  }
  return writes_vector("grad_x.grad_gamma", gradient.grad_gamma, shape.c)
      .writes_vector("grad_x.grad_beta", gradient.grad_beta, shape.c);
}

void Operands::require_valid(const Stream& stream) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Operand& operand = at(i);
    require_tensor(op_, stream, operand.name, operand.view, operand.shape, operand.dtype);
    if (operand.packed) {
      require_packed(op_, operand.name, operand.view);
    }
  }
  require_no_overlaps();
}

std::int64_t Operands::bytes() const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const Operand& operand = at(i);
    sum += operand.shape.elements() * static_cast<std::int64_t>(dtype_bytes(operand.dtype)) *
           operand.passes;
  }
  return sum;
}

#ifndef NDEBUG
namespace {

// The memory of a view: `count` rows of `bytes` bytes, `stride` bytes from one to the next.
struct ByteRows {
  std::int64_t begin, bytes, stride, count;

  explicit ByteRows(const ConstTensorView& view) {
    const auto element = static_cast<std::int64_t>(dtype_bytes(view.dtype));
    begin = reinterpret_cast<std::intptr_t>(view.data);
    count = view.packed() ? 1 : view.shape.pixels();
    bytes = element * (view.packed() ? view.shape.elements() : view.shape.c);
    stride = element * view.pitch;
  }
  std::int64_t end() const { return begin + (count - 1) * stride + bytes; }
  ByteRows row(std::int64_t i) const {
    ByteRows one = *this;
    one.begin += i * stride;
    one.count = 1;
    return one;
  }
};

std::int64_t divide_down(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Of rows at equal strides: row j of b lies k * stride + (b.begin - a.begin) bytes behind row i of
// a, k = j - i, and overlaps it where that is more than -b.bytes and less than a.bytes. A single
// row has every stride.
bool overlap_at_stride(const ByteRows& a, const ByteRows& b, std::int64_t stride) {
  const std::int64_t distance = b.begin - a.begin;
  const std::int64_t first = divide_down(-b.bytes - distance, stride) + 1;
  const std::int64_t last = divide_down(a.bytes - 1 - distance, stride);
  return std::max(first, 1 - a.count) <= std::min(last, b.count - 1);
}

// Exact: channel slices of one buffer lie between each other without overlapping.
bool overlap(const ByteRows& a, const ByteRows& b) {
  if (a.begin >= b.end() || b.begin >= a.end()) {
    return false;
  }
  if (a.count == 1 || b.count == 1 || a.stride == b.stride) {
    return overlap_at_stride(a, b, a.count == 1 ? b.stride : a.stride);
  }
  for (std::int64_t i = 0; i < a.count; ++i) {
    if (overlap_at_stride(a.row(i), b, b.stride)) {
      return true;
    }
  }
  return false;
}

bool same(const ConstTensorView& a, const ConstTensorView& b) {
  return a.data == b.data && a.shape == b.shape && a.dtype == b.dtype &&
         (a.pitch == b.pitch || (a.packed() && b.packed()));
}

std::string described(const char* name, const ConstTensorView& view) {
  return std::string(name) + " (" + to_string(view.shape) + ", pitch " +
         std::to_string(view.pitch) + ")";
}

}  // namespace

void Operands::require_no_overlaps() const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Operand& written = at(i);
    for (std::size_t j = 0; written.use == Use::written && j < count_; ++j) {
      const Operand& other = at(j);
      const bool allowed =
          i == j || (other.use == Use::read_in_place && same(written.view, other.view));
      if (!allowed && overlap(ByteRows(written.view), ByteRows(other.view))) {
        fail(op_, described(written.name, written.view) + " is written and overlaps " +
                      described(other.name, other.view));
      }
    }
  }
}
#else
void Operands::require_no_overlaps() const {}
#endif

}  // namespace accrete::kernels
