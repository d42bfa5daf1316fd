// SPDX-License-Identifier: Apache-2.0
// One kernel per instruction wrapper and warp function that the CUDA kernels use: a single warp
// that maps words to words. They exist twice in a program, compiled for the host executor and for a
// GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "accrete/kernels/stream.h"

namespace accrete::test {

struct Probe {
  const char* name;
  std::size_t words_in;
  std::size_t words_out;
  void (*kernel)(const std::uint32_t* in, std::uint32_t* out);
};

namespace executor {
const std::vector<Probe>& ptx_probes();
void launch_probe(const Stream& stream, const Probe& probe, const std::uint32_t* in,
                  std::uint32_t* out);
}  // namespace executor

namespace device {
const std::vector<Probe>& ptx_probes();
void launch_probe(const Stream& stream, const Probe& probe, const std::uint32_t* in,
                  std::uint32_t* out);
}  // namespace device

}  // namespace accrete::test
