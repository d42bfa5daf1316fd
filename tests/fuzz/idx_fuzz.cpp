// SPDX-License-Identifier: Apache-2.0
// IDX files of images and labels, plain or gzip.
#include "accrete/data/idx_file.h"

#include "fuzz/fuzz_target.h"

namespace accrete::fuzz {
namespace {

void check_array(const data::IdxArray& array, int dimensions) {
  require(array.extents.size() == static_cast<std::size_t>(dimensions), "other dimensions");
  std::int64_t elements = 1;
  for (const std::int64_t extent : array.extents) {
    require(extent > 0, "an extent that is not positive");
    elements *= extent;
  }
  require(elements == static_cast<std::int64_t>(array.bytes.size()), "extents of other bytes");
}

}  // namespace
}  // namespace accrete::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace accrete;
  for (const int dimensions : {1, 3}) {
    data::IdxArray array;
    if (fuzz::answers({ErrorCode::data, ErrorCode::out_of_memory},
                      [&] { array = data::parse_idx(data, size, dimensions, "input"); })) {
      fuzz::check_array(array, dimensions);
    }
  }
  return 0;
}
