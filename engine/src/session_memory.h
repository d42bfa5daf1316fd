// SPDX-License-Identifier: Apache-2.0
// Whether a session finds the memory it was planned for.
#pragma once

#include "accrete/engine/training_session.h"

namespace accrete {

/// The plan itself, if the device can give its memory now; otherwise Error(out_of_memory) naming
/// the largest batches that would fit.
SessionPlan require_room(SessionPlan plan, const SessionOptions& options,
                         const DeviceRuntime& runtime);

}  // namespace accrete
