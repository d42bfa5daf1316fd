// SPDX-License-Identifier: Apache-2.0
// What a spec says about the batches of training and of evaluation.
#pragma once

#include "accrete/data/batch_picks.h"
#include "accrete/models/run_spec.h"
#include "batch_source.h"

namespace accrete::apps {

data::LoaderOptions loader_options(const models::RunSpec& spec, Purpose purpose);

}  // namespace accrete::apps
