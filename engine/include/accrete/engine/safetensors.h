// SPDX-License-Identifier: Apache-2.0
// The safetensors file format (github.com/huggingface/safetensors, "Format"): u64 little-endian
// header length, JSON header, tensor bytes without gaps.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
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
/// gap, duplicate, size) or Error(io) if it cannot be read or is no regular file. The header may
/// have 16 MiB; nothing is allocated for bytes that the file does not have. All tensors must be
/// F32, but for those that PyTorch's batch norms count batches in (I64 "*.num_batches_tracked" of
/// shape [] or [1]): they are left out.
SafetensorsFile read_safetensors(const std::string& path);

/// The metadata of such a file, whose tensors are not read. Errors as above.
std::map<std::string, std::string> read_safetensors_metadata(const std::string& path);

/// The same as read_safetensors of a file's bytes in memory; `source` names them in messages.
SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& source);

}  // namespace accrete
