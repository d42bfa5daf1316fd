// SPDX-License-Identifier: Apache-2.0
// Restricts the kernels to one instruction set, so that all of them are tested on one machine.
#pragma once

#include <hwy/targets.h>

#include <cstdint>
#include <vector>

namespace accrete::test {

/// The best set of this machine, AVX2 alone where there is more, and the baseline.
inline const std::vector<std::int64_t>& simd_levels() {
  static const std::vector<std::int64_t> levels = [] {
    const std::int64_t supported = hwy::SupportedTargets();
    std::vector<std::int64_t> masks = {supported};
    if ((supported & HWY_AVX2) != 0 && (supported & (HWY_AVX3 | HWY_AVX3_DL)) != 0) {
      masks.push_back(HWY_AVX2);
    }
    masks.push_back(HWY_SCALAR);
    return masks;
  }();
  return levels;
}

/// Restricts the kernels to `targets`; 0 lifts the restriction.
inline void choose_simd_level(std::int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace accrete::test
