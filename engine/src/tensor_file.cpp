// SPDX-License-Identifier: Apache-2.0
#include "tensor_file.h"

#include <utility>

#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/finite.h"

namespace accrete {
namespace {

std::vector<std::int64_t> file_shape(const StoredTensor& tensor) {
  const Shape& shape = tensor.shape;
  switch (tensor.role) {
    case TensorRole::vector:
      return {shape.c};
    case TensorRole::linear_weight:
      return {shape.n, shape.c};
    case TensorRole::conv_weight:
      break;
  }
  return {shape.n, shape.c, shape.h, shape.w};
}

// Where the element that is [k, pixel, c] in memory lies in a file.
std::int64_t file_index(const Shape& s, std::int64_t k, std::int64_t pixel, std::int64_t c) {
  return (k * s.c + c) * s.h * s.w + pixel;
}

void from_file(const NamedArray& array, const StoredTensor& tensor) {
  const Shape& s = tensor.shape;
  float* memory = tensor.view.f32();
  for (std::int64_t k = 0; k < s.n; ++k) {
    for (std::int64_t pixel = 0; pixel < s.h * s.w; ++pixel) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        memory[(k * s.h * s.w + pixel) * s.c + c] =
            array.values[static_cast<std::size_t>(file_index(s, k, pixel, c))];
      }
    }
  }
}

std::string listed(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape) {
    text += (text.empty() ? "" : ",") + std::to_string(extent);
  }
  return "[" + excerpt(text) + "]";
}

}  // namespace

NamedArray to_file(const StoredTensor& tensor) {
  const Shape& s = tensor.shape;
  NamedArray array{tensor.name, file_shape(tensor), {}};
  array.values.resize(static_cast<std::size_t>(s.elements()));
  const float* memory = tensor.view.f32();
  for (std::int64_t k = 0; k < s.n; ++k) {
    for (std::int64_t pixel = 0; pixel < s.h * s.w; ++pixel) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        array.values[static_cast<std::size_t>(file_index(s, k, pixel, c))] =
            memory[(k * s.h * s.w + pixel) * s.c + c];
      }
    }
  }
  return array;
}

bool is_optimizer_state(const std::string& name) {
  return name.rfind("optimizer.", 0) == 0;
}

TensorFile::TensorFile(std::string path, SafetensorsFile file, std::vector<LayerAlias> aliases)
    : path_(std::move(path)), aliases_(std::move(aliases)) {
  for (NamedArray& array : file.arrays) {
    arrays_[array.name] = std::move(array);
  }
}

void TensorFile::fail(const std::string& why) const {
  throw Error(ErrorCode::weights, path_ + " " + why);
}

void TensorFile::leave_out_optimizer_state() {
  for (auto at = arrays_.begin(); at != arrays_.end();) {
    at = is_optimizer_state(at->first) ? arrays_.erase(at) : std::next(at);
  }
}

TensorFile::Arrays::iterator TensorFile::find(const std::string& name) {
  auto found = arrays_.find(name);
  for (const LayerAlias& alias : aliases_) {
    const std::string prefix = alias.layer + ".";
    if (found == arrays_.end() && name.rfind(prefix, 0) == 0) {
      found = arrays_.find(alias.in_files + "." + name.substr(prefix.size()));
    }
  }
  return found;
}

NamedArray TensorFile::take(const StoredTensor& tensor) {
  const auto found = find(tensor.name);
  if (found == arrays_.end()) {
    fail("has no tensor " + tensor.name + "; it belongs to another model or optimizer");
  }
  NamedArray array = std::move(found->second);
  arrays_.erase(found);
  if (array.shape != file_shape(tensor)) {
    fail("has a tensor " + tensor.name + " of another shape than the model's " +
         listed(file_shape(tensor)) + ": " + listed(array.shape));
  }
  if (!all_finite(array.values.data(), static_cast<std::int64_t>(array.values.size()))) {
    fail("has a tensor " + tensor.name +
         " with values that are NaN or infinite; use weights from before training diverged");
  }
  return array;
}

void TensorFile::restore(const std::vector<const StoredTensor*>& tensors) {
  std::vector<NamedArray> taken;
  taken.reserve(tensors.size());
  for (const StoredTensor* tensor : tensors) {
    taken.push_back(take(*tensor));
  }
  if (!arrays_.empty()) {
    fail("has " + std::to_string(arrays_.size()) +
         " tensors that the model and optimizer have not, such as " +
         excerpt(arrays_.begin()->first) + "; it belongs to another model or optimizer");
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    from_file(taken[i], *tensors[i]);
  }
}

}  // namespace accrete
