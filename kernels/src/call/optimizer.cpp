// SPDX-License-Identifier: Apache-2.0
// The calls of optimizer.h. Their arrays are no views; each parameter's are checked as if they
// were.
#include "accrete/kernels/optimizer.h"

#include <string>

#include "accrete/kernels/checked_size.h"
#include "call/run-inl.h"

namespace accrete::kernels {
namespace {

// All parameters are worked through as one long array.
template <class Call>
void require_list(const Call& call) {
  if (call.count < 0 || (call.count > 0 && call.parameters == nullptr)) {
    fail(call.kName, "got " + std::to_string(call.count) + " parameters" +
                         (call.parameters == nullptr ? " at a null pointer" : ""));
  }
  require_aligned(call.kName, "loss", call.options.loss, alignof(float));
  CheckedSize total;
  for (std::int64_t i = 0; i < call.count; ++i) {
    total += call.parameters[i].count;
    if (!total.at_most(kMostElements)) {
      fail(call.kName, "parameter " + std::to_string(i) + " has count " +
                           std::to_string(call.parameters[i].count) +
                           "; counts must be positive or 0, and at most 2^40 in all");
    }
  }
}

void require_decay_rate(const char* op, const char* name, float value) {
  if (!(value >= 0.0F && value < 1.0F)) {
    fail(op, std::string(name) + " is " + std::to_string(value) + ", must be in [0, 1)");
  }
}

// The arrays of one parameter, as they are named.
class Arrays {
 public:
  Arrays(const char* op, const Stream& stream, std::int64_t parameter, std::int64_t count)
      : stream_(stream), parameter_(parameter), count_(count), operands_(op, DType::f32) {}

  Arrays& written(const char* name, const void* data, DType dtype = DType::f32) {
    return add(name, data, dtype, Operands::Use::written);
  }
  Arrays& read(const char* name, const void* data) {
    return add(name, data, DType::f32, Operands::Use::read);
  }
  Arrays& rounded(const std::uint16_t* data) {
    return data != nullptr ? written("rounded", data, DType::bf16) : *this;
  }
  void require_valid() const { operands_.require_valid(stream_); }

 private:
  Arrays& add(const char* name, const void* data, DType dtype, Operands::Use use) {
    if (count_ > 0 && data == nullptr) {
      fail(operands_.op(), "parameter " + std::to_string(parameter_) + " of " +
                               std::to_string(count_) + " elements has no " + name);
    }
    if (count_ > 0) {
      const Shape shape = channel_vector(count_);
      operands_.other(name, {data, shape, dtype, stream_.device()}, shape, dtype, use, true);
    }
    return *this;
  }

  const Stream& stream_;
  std::int64_t parameter_, count_;
  Operands operands_;
};

// `arrays` f32 arrays read or written for each parameter, and its rounded copy.
template <class Call>
std::int64_t moved_bytes(const Call& call, std::int64_t arrays) {
  std::int64_t bytes = 0;
  for (std::int64_t i = 0; i < call.count; ++i) {
    bytes += call.parameters[i].count * (4 * arrays + (call.parameters[i].rounded ? 2 : 0));
  }
  return bytes;
}

}  // namespace

void require_options(const Stream& stream, const SgdStep& call) {
  require_decay_rate(call.kName, "momentum", call.options.momentum);
  require_list(call);
  for (std::int64_t i = 0; i < call.count; ++i) {
    const SgdParameter& parameter = call.parameters[i];
    Arrays arrays(call.kName, stream, i, parameter.count);
    arrays.written("value", parameter.value).read("gradient", parameter.gradient);
    if (call.options.momentum != 0.0F) {
      arrays.written("momentum", parameter.momentum);
    }
    arrays.rounded(parameter.rounded).require_valid();
  }
}

void require_options(const Stream& stream, const AdamStep& call) {
  require_decay_rate(call.kName, "beta1", call.options.beta1);
  require_decay_rate(call.kName, "beta2", call.options.beta2);
  if (call.step < 1) {
    fail(call.kName, "step is " + std::to_string(call.step) + ", the first is 1");
  }
  require_list(call);
  for (std::int64_t i = 0; i < call.count; ++i) {
    const AdamParameter& parameter = call.parameters[i];
    Arrays(call.kName, stream, i, parameter.count)
        .written("value", parameter.value)
        .read("gradient", parameter.gradient)
        .written("first_moment", parameter.first_moment)
        .written("second_moment", parameter.second_moment)
        .rounded(parameter.rounded)
        .require_valid();
  }
}

Operands operands_of(const SgdStep& call) {
  return {call.kName, DType::f32};
}
Operands operands_of(const AdamStep& call) {
  return {call.kName, DType::f32};
}

std::int64_t bytes(const SgdStep& call) {
  return moved_bytes(call, call.options.momentum != 0.0F ? 5 : 3);
}
std::int64_t bytes(const AdamStep& call) {
  return moved_bytes(call, 7);
}

ACCRETE_INSTANTIATE_CALL(SgdStep)
ACCRETE_INSTANTIATE_CALL(AdamStep)

}  // namespace accrete::kernels
