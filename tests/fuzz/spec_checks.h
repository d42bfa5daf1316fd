// SPDX-License-Identifier: Apache-2.0
// What holds for every spec that is accepted.
#pragma once

#include "accrete/models/run_spec.h"
#include "fuzz/fuzz_target.h"

namespace accrete::fuzz {

/// Written out with every default, a spec is a spec again, the same one.
inline void check_resolved(const models::RunSpec& spec) {
  const std::string text = models::resolved_spec(spec);
  const models::RunSpec again = models::parse_run_spec(text, "resolved");
  require(models::resolved_spec(again) == text, "a resolved spec that resolves to another");
  require(models::spec_fingerprint(again) == models::spec_fingerprint(spec),
          "a resolved spec with another fingerprint");
}

}  // namespace accrete::fuzz
