// SPDX-License-Identifier: Apache-2.0
// The gradients of a convolution's weights and data as one node. Both read x and the gradient of y,
// and on a GPU one launch computes them side by side.
#include "ops/conv.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {

// Conv::backward puts the two next to each other, the weights first.
DifferentiatedModel pair_gradients(const DifferentiatedModel& from) {
  const Graph& graph = from.model.graph;
  GraphCopy copy(from.model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const PairedGradients pair = id + 1 < graph.num_nodes()
                                     ? pair_conv_gradients(node, graph.node(id + 1))
                                     : PairedGradients{};
    if (pair.op == nullptr) {
      copy.copy(node);
      continue;
    }
    const Node& data = graph.node(++id);
    const std::vector<ValueId> outputs = copy.copy_as(data, pair.op, copy.mapped(pair.inputs));
    copy.map(node.outputs[0], outputs.back());
  }
  return copy.finish(from.gradients);
}

}  // namespace accrete
