// SPDX-License-Identifier: Apache-2.0
// Tables of per-channel factors that a kernel computes once per call, in its workspace.
#pragma once

#include <cstdint>

#include "cpu/row_tiles.h"
#include "cpu/workspace_floats.h"

namespace accrete::kernels::cpu {

/// Floats of one table: whole vectors may be read from any channel on.
constexpr std::int64_t table_floats(std::int64_t channels) {
  return padded_channels(channels) + kLanePadding;
}

/// NormRelu as max(0, x * scale + shift).
struct NormReluTable {
  float* scale = nullptr;
  float* shift = nullptr;

  static constexpr std::int64_t floats(std::int64_t channels) { return 2 * table_floats(channels); }
  static NormReluTable take(WorkspaceFloats& workspace, std::int64_t channels) {
    NormReluTable table;
    table.scale = workspace.take(table_floats(channels));
    table.shift = workspace.take(table_floats(channels));
    return table;
  }
};

/// DeferredGradient as g * of_g + y * of_y + constant.
struct DeferredGradientTable {
  float* of_g = nullptr;
  float* of_y = nullptr;
  float* constant = nullptr;

  static constexpr std::int64_t floats(std::int64_t channels) { return 3 * table_floats(channels); }
  static DeferredGradientTable take(WorkspaceFloats& workspace, std::int64_t channels) {
    DeferredGradientTable table;
    table.of_g = workspace.take(table_floats(channels));
    table.of_y = workspace.take(table_floats(channels));
    table.constant = workspace.take(table_floats(channels));
    return table;
  }
};

}  // namespace accrete::kernels::cpu
