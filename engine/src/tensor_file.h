// SPDX-License-Identifier: Apache-2.0
// Stored tensors as arrays of a safetensors file: convolution weights as OIHW, linear weights as
// [out,in], vectors as [C].
#pragma once

#include <map>
#include <string>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "accrete/engine/safetensors.h"

namespace accrete {

NamedArray to_file(const StoredTensor& tensor);

/// Whether a tensor of this name belongs to the optimizer rather than to the model.
bool is_optimizer_state(const std::string& name);

/// The arrays of a file by name, for tensors to take. `path` names the file in messages.
class TensorFile {
 public:
  TensorFile(std::string path, SafetensorsFile file, std::vector<LayerAlias> aliases = {});

  void leave_out_optimizer_state();
  /// Writes every tensor. All or nothing: Error(weights) before anything is written if a tensor is
  /// missing, of another shape, NaN or infinite, or if the file has further ones.
  void restore(const std::vector<const StoredTensor*>& tensors);

 private:
  using Arrays = std::map<std::string, NamedArray>;

  Arrays::iterator find(const std::string& name);
  NamedArray take(const StoredTensor& tensor);
  [[noreturn]] void fail(const std::string& why) const;

  std::string path_;
  std::vector<LayerAlias> aliases_;
  Arrays arrays_;
};

}  // namespace accrete
