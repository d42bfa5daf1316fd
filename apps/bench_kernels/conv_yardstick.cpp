// SPDX-License-Identifier: Apache-2.0
#include "conv_yardstick.h"

namespace accrete::bench {

void add_yardsticks(const ConvYardsticks& yardsticks, const std::string& name,
                    const ConvShape& shape, Pass pass, Arithmetic arithmetic, BenchCases& cases) {
  for (const auto& yardstick : yardsticks) {
    if (!yardstick->covers(shape.problem) || !yardstick->computes_in(arithmetic)) {
      continue;
    }
    cases.push_back({name, arithmetic, yardstick->name(),
                     [yardstick = yardstick.get(), shape, pass](Workbench& bench) {
                       const ConvTensors tensors(bench, shape, pass);
                       return Work{yardstick->prepare(bench, pass, tensors),
                                   flops_of(shape.problem), tensors.bytes()};
                     }});
  }
}

}  // namespace accrete::bench
