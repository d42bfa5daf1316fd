// SPDX-License-Identifier: Apache-2.0
// Dropout in double precision, with its own Philox.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace accrete::reference {

/// Philox4x32-10 of a 128-bit counter and a 64-bit key, lowest words first.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// x is packed: element i takes word i % 4 of counter i / 4.
std::vector<double> dropout(double rate, std::uint64_t seed, std::uint64_t stream,
                            const std::vector<double>& x);

}  // namespace accrete::reference
