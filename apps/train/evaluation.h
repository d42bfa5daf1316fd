// SPDX-License-Identifier: Apache-2.0
// Loss and accuracy over a whole data set.
#pragma once

#include <optional>

#include "accrete/engine/training_session.h"
#include "batch_source.h"
#include "epoch_sums.h"

namespace accrete::apps {

/// Runs the session's evaluation step on every batch of the source. No step may be under way.
/// Nothing if a signal asked the run to end before the last batch.
std::optional<EpochSums> evaluate(TrainingSession& session, BatchSource& batches);

}  // namespace accrete::apps
