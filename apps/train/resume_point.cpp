// SPDX-License-Identifier: Apache-2.0
#include "resume_point.h"

#include "accrete/kernels/error.h"

namespace accrete::apps {

std::optional<std::string> resume_point(const std::string& folder,
                                        std::optional<std::string> newest,
                                        const std::string& resume) {
  if (resume == "auto") {
    return newest;
  }
  if (!resume.empty()) {
    return resume;
  }
  if (newest) {
    throw Error(ErrorCode::invalid_argument,
                folder +
                    " holds checkpoints of an earlier run; add --resume auto to "
                    "go on from them, or choose another --output");
  }
  return std::nullopt;
}

}  // namespace accrete::apps
