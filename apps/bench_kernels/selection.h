// SPDX-License-Identifier: Apache-2.0
// What of all that a device can do a run is asked for. Error(unsupported) for what it cannot.
#pragma once

#include <vector>

#include "bench_device.h"
#include "options.h"

namespace accrete::bench {

std::vector<CacheState> chosen_states(const BenchOptions& options, const BenchDevice& device);

/// In the order in which they are asked for; the device's default if they are not.
std::vector<Arithmetic> chosen_arithmetics(const BenchOptions& options, const BenchDevice& device);

/// Whether names alone are wanted.
bool lists_only(const BenchOptions& options);

/// Whether the run ends with a table, which would spoil what a program reads.
bool wants_table(const BenchOptions& options);

}  // namespace accrete::bench
