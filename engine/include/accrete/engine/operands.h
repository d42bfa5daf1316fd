// SPDX-License-Identifier: Apache-2.0
// How a node says what it reads and writes: by name. An optional part of an op (a bias, a norm that
// x is read through, statistics of y) is there if its slots are; passes add and remove slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace accrete {

using ValueId = std::int32_t;
using NodeId = std::int32_t;
constexpr ValueId kNoValue = -1;
constexpr NodeId kNoNode = -1;

/// What a value is to a node that reads or writes it.
enum class Slot : std::uint8_t {
  x,      ///< what is transformed
  other,  ///< the second term of a sum
  part,   ///< of a concat, in order
  weight,
  bias,
  labels,
  mean,  ///< of x: together with inv_std, gamma and beta the norm that x is read through
  variance,
  inv_std,
  gamma,
  beta,
  running_mean,
  running_var,
  y,       ///< what comes of x
  y_mean,  ///< with y_variance and y_inv_std the statistics of y
  y_variance,
  y_inv_std,
  winner,  ///< of each window of a max pool
  loss,
  correct,
  grad_y,
  grad_y_a,  ///< with grad_y_b, y, y_mean and y_inv_std what batch norm still owes to grad_y
  grad_y_b,
  grad_x,
  grad_x_a,
  grad_x_b,
  grad_weight,
  grad_bias,
  grad_gamma,
  grad_beta,
  zeros,  ///< a gradient that is known to be zero
};

struct Operand {
  Slot slot = Slot::x;
  ValueId value = kNoValue;
};

/// What a node reads, or what it writes, in order.
class Operands {
 public:
  Operands() = default;
  Operands(std::initializer_list<Operand> operands) : list_(operands) {}
  /// Without values yet: what a node is to write.
  Operands(std::initializer_list<Slot> slots) {
    for (const Slot slot : slots) {
      add(slot, kNoValue);
    }
  }

  /// The value of the (first) operand with this slot, or kNoValue.
  ValueId operator[](Slot slot) const;
  bool has(Slot slot) const;
  void add(Slot slot, ValueId value) { list_.push_back({slot, value}); }
  /// Another value for an operand that is there.
  void set(Slot slot, ValueId value);
  /// Those with one of these slots, and all others.
  Operands only(std::initializer_list<Slot> slots) const;
  Operands without(std::initializer_list<Slot> slots) const;
  /// Those that have a value.
  Operands given() const;
  std::vector<ValueId> values() const;
  friend Operands operator+(Operands a, const Operands& b) {
    a.list_.insert(a.list_.end(), b.list_.begin(), b.list_.end());
    return a;
  }

  std::size_t size() const { return list_.size(); }
  const Operand* begin() const { return list_.data(); }
  const Operand* end() const { return list_.data() + list_.size(); }
  Operand* begin() { return list_.data(); }
  Operand* end() { return list_.data() + list_.size(); }
  const Operand& front() const { return list_.front(); }

 private:
  std::vector<Operand> list_;
};

}  // namespace accrete
