// SPDX-License-Identifier: Apache-2.0
// The safetensors file format (github.com/huggingface/safetensors, "Format"): u64 little-endian
// header length, JSON header, tensor bytes without gaps.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace accrete {

/// A named f32 array.
struct NamedArray {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::vector<NamedArray> arrays;
};

/// Writes atomically: a temporary file in the same folder, fsync, rename. Readers see the old file
/// or the new one, never a part. Error(io) with path and reason on failure, nothing left behind.
void write_safetensors(const std::string& path, const SafetensorsFile& file);

/// Treats the file as hostile: Error(weights) naming what is wrong (length, JSON, dtype, overlap,
/// gap, duplicate, size) or Error(io) if it cannot be read.
SafetensorsFile read_safetensors(const std::string& path);

}  // namespace accrete
