// SPDX-License-Identifier: Apache-2.0
// How convolutions on tensor cores are run: the data are such that products and sums are exact, so
// results must be too, whatever the layout.
#pragma once

#include "kernels/every_run.h"

namespace accrete::test {

/// body(run) with products in tf32, or in bf16 where that is the dtype: packed, on slices of whole
/// packs and on slices at odd offsets. The order of threads alternates.
template <class Body>
void for_each_tensor_core_run(DType dtype, const Body& body) {
  int number = 0;
  for (const std::size_t layout : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
    const Stream stream = test_stream(number++).with_float_math(FloatMath::tf32);
    body(Run{stream, layouts()[layout], layouts()[2], dtype});
  }
}

}  // namespace accrete::test
