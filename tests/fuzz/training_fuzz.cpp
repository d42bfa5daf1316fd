// SPDX-License-Identifier: Apache-2.0
// Whole small nets, trained for two rounds in two ways that must learn the same, bit for bit.
#include <cstdlib>

#include "fuzz/any_net.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/short_run.h"

namespace accrete::fuzz {
namespace {

RunVariant any_variant(FuzzedDataProvider& input) {
  RunVariant variant;
  switch (input.ConsumeIntegralInRange(0, 4)) {
    case 0:
      variant.threads = 3;
      break;
    case 1:
      variant.recompute = 1;
      variant.threads = 2;
      break;
    case 2:
      variant.recompute = 2;
      break;
    case 3:
      variant.resumed = true;
      break;
    default:
      variant.passes = false;
  }
  return variant;
}

void check_net(FuzzedDataProvider& input, const std::string& text) {
  const models::RunSpec spec = models::parse_run_spec(text, "net");
  const std::optional<ShortRun> plain = short_run(spec, {});
  const RunVariant variant = any_variant(input);
  const std::optional<ShortRun> other = short_run(spec, variant);
  if (!plain || !other) {
    return;
  }
  // Passes round differently; all else may not. A run whose loss is not finite ends there: that its
  // session takes no update any more is not in a checkpoint.
  const bool comparable = variant.passes && (!variant.resumed || plain->losses_finite);
  if (comparable && plain->bits != other->bits) {
    finding("other bits with " + to_string(variant) + ": " + text);
  }
  // With frozen statistics gradients may overflow, since nothing scales them.
  const bool bounded = spec.training.batch_norm_statistics == models::BatchNormStatistics::batch;
  for (const ShortRun* run : {&*plain, &*other}) {
    if (bounded && run->losses_finite && !run->values_finite) {
      finding("finite losses, parameters that are not: " + text);
    }
  }
}

}  // namespace
}  // namespace accrete::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using accrete::ErrorCode;
  FuzzedDataProvider input(data, size);
  const std::string text = accrete::fuzz::any_net(input);
  // Diverged: numbers that are not finite are not saved for the resumed twin.
  accrete::fuzz::answers({ErrorCode::spec, ErrorCode::invalid_argument, ErrorCode::diverged},
                         [&] { accrete::fuzz::check_net(input, text); });
  return 0;
}
