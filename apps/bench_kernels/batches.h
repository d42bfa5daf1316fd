// SPDX-License-Identifier: Apache-2.0
// Images per batch, by network.
#pragma once

#include <cstdint>
#include <string>

#include "accrete/kernels/tensor_view.h"

namespace accrete::bench {

struct Batches {
  std::int64_t d2l96 = 64;  ///< the net of the Dive into Deep Learning chapter, 96x96 images
  std::int64_t bc100 = 64;  ///< DenseNet-BC (L=100, growth 12), 32x32 images
  std::int64_t dn121 = 16;  ///< DenseNet-121, 224x224 images

  std::int64_t of(const std::string& network) const {
    return network == "d2l96" ? d2l96 : network == "bc100" ? bc100 : dn121;
  }
};

/// `all` 0: what each device is usually given.
inline Batches batches_of(DeviceKind device, std::int64_t all) {
  if (all > 0) {
    return {all, all, all};
  }
  return device == DeviceKind::cuda ? Batches{256, 64, 64} : Batches{};
}

}  // namespace accrete::bench
