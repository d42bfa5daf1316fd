// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/operands.h"

#include <algorithm>

namespace accrete {
namespace {

const Operand* find(const Operands& operands, Slot slot) {
  const Operand* found =
      std::find_if(operands.begin(), operands.end(),
                   [slot](const Operand& operand) { return operand.slot == slot; });
  return found != operands.end() ? found : nullptr;
}

template <class Wanted>
Operands selected(const Operands& operands, const Wanted& wanted) {
  Operands some;
  for (const auto& [slot, value] : operands) {
    if (wanted(slot, value)) {
      some.add(slot, value);
    }
  }
  return some;
}

bool contains(std::initializer_list<Slot> slots, Slot slot) {
  return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

}  // namespace

ValueId Operands::operator[](Slot slot) const {
  const Operand* operand = find(*this, slot);
  return operand != nullptr ? operand->value : kNoValue;
}

bool Operands::has(Slot slot) const {
  return find(*this, slot) != nullptr;
}

void Operands::set(Slot slot, ValueId value) {
  for (Operand& operand : list_) {
    operand.value = operand.slot == slot ? value : operand.value;
  }
}

Operands Operands::only(std::initializer_list<Slot> slots) const {
  return selected(*this, [slots](Slot slot, ValueId) { return contains(slots, slot); });
}

Operands Operands::without(std::initializer_list<Slot> slots) const {
  return selected(*this, [slots](Slot slot, ValueId) { return !contains(slots, slot); });
}

Operands Operands::given() const {
  return selected(*this, [](Slot, ValueId value) { return value != kNoValue; });
}

std::vector<ValueId> Operands::values() const {
  std::vector<ValueId> values;
  values.reserve(size());
  for (const Operand& operand : list_) {
    values.push_back(operand.value);
  }
  return values;
}

}  // namespace accrete
