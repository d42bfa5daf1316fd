// SPDX-License-Identifier: Apache-2.0
// The tables of an image transform as they lie in memory: row taps, column taps, values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/image_batch.h"

namespace accrete::kernels {

/// Where tables start: at a multiple of so many bytes.
constexpr std::size_t kTablesAlignment = 8;

/// Between which two source positions a resized position lies.
struct AxisTap {
  std::int32_t low, high;
  float weight;  ///< of `high`
};

struct ImageTables {
  const AxisTap* rows;     ///< [resized_height]
  const AxisTap* columns;  ///< [resized_width]
  const float* values;     ///< [channels][256]

  ImageTables(const ImageTransform& transform, const void* tables)
      : rows(static_cast<const AxisTap*>(tables)),
        columns(rows + transform.resized_height),
        values(reinterpret_cast<const float*>(columns + transform.resized_width)) {}
};

}  // namespace accrete::kernels
