// SPDX-License-Identifier: Apache-2.0
// What tests ask the race detector. Only in programs linked with accrete_simt_race.
#pragma once

#include <cstdint>

namespace simt {

/// Accesses to memory that the detector has looked at for this OS thread. A test that found no race
/// because nobody looked would otherwise pass.
std::uint64_t watched_accesses();

}  // namespace simt
