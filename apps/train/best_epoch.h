// SPDX-License-Identifier: Apache-2.0
// Which finished epoch is the best by the metric that a spec names.
#pragma once

#include "accrete/engine/checkpoint.h"
#include "accrete/models/run_spec.h"
#include "epoch_metrics.h"

namespace accrete::apps {

/// Makes the epoch that has `metrics` the best if it is better than `best`: a higher accuracy, a
/// lower loss. The earliest of equals stays. Returns whether it did; never for Metric::none.
bool take_if_best(models::Metric metric, const EpochMetrics& metrics, BestEpoch& best);

}  // namespace accrete::apps
