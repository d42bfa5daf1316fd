// SPDX-License-Identifier: Apache-2.0
#include "families.h"

#include <algorithm>

namespace accrete::bench {

std::vector<Arithmetic> BenchSetting::others() const {
  std::vector<Arithmetic> arithmetics = device.arithmetics();
  arithmetics.erase(std::remove(arithmetics.begin(), arithmetics.end(), Arithmetic::tf32),
                    arithmetics.end());
  return arithmetics;
}

}  // namespace accrete::bench
