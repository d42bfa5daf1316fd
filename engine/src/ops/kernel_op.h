// SPDX-License-Identifier: Apache-2.0
// What nearly all ops share: a node is one call of a kernel (kernels/call.h), which is put together
// from its tensors whether they have memory yet or not.
#pragma once

#include "accrete/engine/op.h"

namespace accrete {

/// `Derived` has a function `Call call(const Tensors&) const`, or its own visit().
template <class Derived>
class KernelOp : public Op {
 public:
  std::size_t workspace_bytes(const Tensors& tensors, const Device& device) const final {
    return derived().visit(
        tensors, [&](const auto& call) { return kernels::workspace_bytes(call, device); });
  }
  kernels::Cost cost(const Tensors& tensors) const final {
    return derived().visit(tensors, [](const auto& call) { return kernels::cost(call); });
  }
  BoundCall bind(const Tensors& tensors) const override {
    return derived().visit(tensors, [](const auto& call) -> BoundCall {
      return [call](const RunContext& context, const Workspace& workspace) {
        return kernels::run(context.stream, call, workspace);
      };
    });
  }
  template <class Use>
  auto visit(const Tensors& tensors, const Use& use) const {
    return use(derived().call(tensors));
  }

 private:
  const Derived& derived() const { return static_cast<const Derived&>(*this); }
};

}  // namespace accrete
