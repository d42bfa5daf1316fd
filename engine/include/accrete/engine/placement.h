// SPDX-License-Identifier: Apache-2.0
// Which values share memory, decided on the graph alone.
//
// A storage is one future allocation: a matrix of pixels rows and `pitch` channels. Usually one
// value owns one storage. Sharing comes from four rules (op.h): a concat's inputs become channel
// slices of its output, so a whole dense block is ONE storage that its layers fill from left to
// right (the feature buffer), and the gradient of the block is its twin; a slice is a view; a
// gradient accumulates where it is; an element-wise op may overwrite its input.
//
// Example: x1 = concat(x0, f0), x2 = concat(x1, f1) with 64, 32 and 32 channels. Walking the
// concats backwards, x2 opens a storage of 128 channels; x1 becomes its channels [0,96), f1
// [96,128); then x0 [0,64) and f0 [64,96). The convolutions that produce f0 and f1 write there,
// and no concat ever runs.
//
// A value may be overwritten only when nothing that could see the old contents is read later: every
// other value that overlaps the same channels of the same storage must have its last reader at or
// before the overwriting node, and must not be an output of the graph, a parameter, state or input.
#pragma once

#include <cstdint>
#include <vector>

#include "accrete/engine/graph.h"
#include "accrete/engine/passes.h"

namespace accrete {

using StorageId = std::int32_t;

struct Storage {
  std::int64_t pixels = 0;
  std::int64_t channels = 0;  ///< channels in use
  std::int64_t pitch = 0;     ///< channels allocated per pixel
  DType dtype = DType::f32;
  bool persistent = false;  ///< parameters and state: outside the plan of a step
  std::vector<ValueId> values;

  std::int64_t bytes() const {
    return pixels * pitch * static_cast<std::int64_t>(dtype_bytes(dtype));
  }
};

struct Place {
  StorageId storage = -1;
  std::int64_t channel_offset = 0;
};

struct Placement {
  std::vector<Storage> storages;
  Table<Place> places;  ///< storage -1 for values nothing uses

  const Storage& storage_of(ValueId value) const {
    return storages[static_cast<std::size_t>(places[value].storage)];
  }
};

/// Decides the placement of every value. Passes "placement" (concat) and "in-place" obey the
/// switches; without "placement" concat and slices copy. `twins` are those of a
/// DifferentiatedModel.
Placement place_values(const Graph& graph, const PassSwitches& switches,
                       const Table<ValueId>& twins = {});

}  // namespace accrete
