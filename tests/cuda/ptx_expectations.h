// SPDX-License-Identifier: Apache-2.0
// What the probes must give, written from the PTX ISA and the CUDA programming guide, element by
// element; it shares nothing with the host executor's emulation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace accrete::test {

using Words = std::vector<std::uint32_t>;

enum class Match : std::uint8_t {
  bits,   ///< the same words
  tf32,   ///< the same sign, exponent and 10 mantissa bits, or both NaN: all that an mma reads
  close,  ///< floats within 1e-5 of max(1, |expected|): sums whose rounding the ISA leaves open
};

struct ProbeCase {
  std::string probe;  ///< name in ptx_probes()
  Match match;
  Words in;
  Words expected;
};

/// At least one for every probe.
std::vector<ProbeCase> probe_cases();

/// Empty when the words agree, else the first that does not.
std::string mismatch(Match match, const Words& got, const Words& expected);

}  // namespace accrete::test
