// SPDX-License-Identifier: Apache-2.0
// Where a run goes on from.
#pragma once

#include <optional>
#include <string>

namespace accrete::apps {

/// The checkpoint to go on from: `resume` is a file, "auto" for the newest one of the run folder,
/// if there is any, or empty for a new run, which a folder that holds checkpoints refuses.
std::optional<std::string> resume_point(const std::string& folder,
                                        std::optional<std::string> newest,
                                        const std::string& resume);

}  // namespace accrete::apps
