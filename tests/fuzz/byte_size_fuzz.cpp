// SPDX-License-Identifier: Apache-2.0
// Sizes such as "4GiB": refused, or a positive number of bytes.
#include "spec_keys.h"

#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(accrete::fuzz::text_of(data, size));
  const auto bytes = accrete::models::parse_byte_size(text);
  accrete::fuzz::require(!bytes || *bytes > 0, "a size that is not positive");
  return 0;
}
