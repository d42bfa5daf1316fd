// SPDX-License-Identifier: Apache-2.0
// A model's graph for one batch size, as a model builder returns it.
#pragma once

#include "accrete/engine/graph.h"

namespace accrete {

struct ModelGraph {
  Graph graph;
  ValueId images = kNoValue;   // input [N,H,W,C]; its dtype is that of all activations
  ValueId labels = kNoValue;   // input [N,1,1,1] i32
  ValueId loss = kNoValue;     // [1,1,1,1]
  ValueId correct = kNoValue;  // [1,1,1,1]
};

}  // namespace accrete
