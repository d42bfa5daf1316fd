// SPDX-License-Identifier: Apache-2.0
#include "families.h"

#include <algorithm>
#include <iterator>

namespace accrete::bench {

std::vector<Arithmetic> BenchSetting::others() const {
  std::vector<Arithmetic> kept;
  std::remove_copy(arithmetics.begin(), arithmetics.end(), std::back_inserter(kept),
                   Arithmetic::tf32);
  return kept;
}

}  // namespace accrete::bench
