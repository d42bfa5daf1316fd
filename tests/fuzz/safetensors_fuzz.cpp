// SPDX-License-Identifier: Apache-2.0
// Weight files: what can be read is written and read again.
#include "accrete/engine/safetensors.h"

#include <algorithm>
#include <bit>
#include <map>

#include "fuzz/fuzz_target.h"

namespace accrete::fuzz {
namespace {

void check_array(const NamedArray& array) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : array.shape) {
    require(extent >= 0, "a negative extent");
    elements *= extent;
  }
  require(elements == static_cast<std::int64_t>(array.values.size()), "a shape of other values");
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

void check_equal(const SafetensorsFile& a, const SafetensorsFile& b) {
  require(a.metadata == b.metadata, "other metadata when read again");
  require(a.arrays.size() == b.arrays.size(), "more or fewer arrays when read again");
  std::map<std::string, const NamedArray*> by_name;
  for (const NamedArray& array : b.arrays) {
    by_name[array.name] = &array;
  }
  for (const NamedArray& array : a.arrays) {
    const NamedArray* other = by_name[array.name];
    require(
        other != nullptr && other->shape == array.shape && same_bits(other->values, array.values),
        "another array when read again");
  }
}

}  // namespace
}  // namespace accrete::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace accrete;
  static const std::string copy = fuzz::path_in_memory("copy.safetensors");
  const std::string content = fuzz::safetensors_content(data, size);
  SafetensorsFile file;
  if (fuzz::answers({ErrorCode::weights}, [&] { file = parse_safetensors(content, "input"); })) {
    for (const NamedArray& array : file.arrays) {
      fuzz::check_array(array);
    }
    write_safetensors(copy, file);
    fuzz::check_equal(file, read_safetensors(copy));
  }
  return 0;
}
