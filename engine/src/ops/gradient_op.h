// SPDX-License-Identifier: Apache-2.0
// What all backward ops share: their output 0 is a contribution to a gradient, which either
// overwrites or is added to the sum so far, an extra last input.
#pragma once

#include "accrete/engine/op.h"

namespace accrete {

/// Whether an overwriting backward op may put its result where its first input was.
enum class InPlace : std::uint8_t { no, first_input };

class GradientOp : public Op {
 public:
  /// `num_inputs` counts the inputs without the sum so far.
  GradientOp(GradMode mode, int num_inputs, InPlace in_place = InPlace::no)
      : mode_(mode), num_inputs_(num_inputs), in_place_(in_place) {}

  std::vector<AliasRule> alias_rules() const final {
    if (mode_ == GradMode::accumulate) {
      return {{AliasRule::Kind::accumulates, 0, num_inputs_, 0}};
    }
    if (in_place_ == InPlace::first_input) {
      return {{AliasRule::Kind::in_place, 0, 0, 0}};
    }
    return {};
  }

  void run(const RunContext& context, const OpCall& call) const final {
    if (mode_ == GradMode::accumulate) {
      begin_accumulation(context, call.inputs[num_inputs_], call.outputs[0]);
    }
    contribute(context, call);
  }

 protected:
  GradMode mode() const { return mode_; }
  /// Writes or adds the contribution, as mode() says.
  virtual void contribute(const RunContext& context, const OpCall& call) const = 0;

 private:
  GradMode mode_;
  int num_inputs_;
  InPlace in_place_;
};

}  // namespace accrete
