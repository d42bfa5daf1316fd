// SPDX-License-Identifier: Apache-2.0
// What a run is: two runs with one fingerprint compute the same numbers.
#pragma once

#include <string>

#include "accrete/data/dataset.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

/// models::spec_fingerprint, and under /data the extents and the CRC32C of both sets as they are in
/// memory, from whichever folder they came. Reads all of their bytes once.
std::string run_fingerprint(const models::RunSpec& spec, const data::TrainTest& sets);

}  // namespace accrete::apps
