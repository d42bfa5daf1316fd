// SPDX-License-Identifier: Apache-2.0
// Runs a planned step: a flat list of calls whose tensors were bound once. No allocation, no
// look-up and no decision is left to a run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accrete/engine/op.h"
#include "accrete/engine/parameter_store.h"
#include "accrete/engine/step_plan.h"
#include "accrete/kernels/device_runtime.h"

namespace accrete {

/// What a kind of call took.
struct OpProfile {
  std::int64_t calls = 0;
  double seconds = 0.0;
  std::int64_t bytes = 0;  ///< that the calls had to move if no cache helped
  std::int64_t macs = 0;
};

/// Where the time of a step goes, by the name of the op with its parts and the implementation that
/// its kernel chose.
using StepProfile = std::map<std::pair<std::string, std::string>, OpProfile>;

class Executor {
 public:
  /// Binds `plan` to the arena memory at `base` on `device` (at least plan.memory.peak_bytes) and
  /// to the parameters in `store`, matched by name and shape: Error(internal) if one is missing.
  Executor(std::shared_ptr<const StepPlan> plan, const ParameterStore& store, std::byte* base,
           Device device = {});

  void run(const Stream& stream, std::uint64_t seed, std::uint64_t step);
  /// The same, waiting for `runtime` behind every call and adding its time to `profile`.
  void run_profiled(DeviceRuntime& runtime, const Stream& stream, std::uint64_t seed,
                    std::uint64_t step, StepProfile& profile);

  const StepPlan& plan() const { return *plan_; }
  const TensorView& view(ValueId value) const { return views_[value]; }
  /// Bytes that concat, slice and gradient accumulation had to copy in the last run.
  std::int64_t bytes_copied() const { return bytes_copied_; }
  /// Highest arena byte handed to any kernel so far, plus one.
  std::int64_t high_water_bytes() const { return high_water_bytes_; }
  /// Calls that a run makes (nodes less those that placement made free).
  std::int64_t num_calls() const { return static_cast<std::int64_t>(calls_.size()); }
  /// Whether every run makes the same calls with the same arguments.
  bool replayable() const;

 private:
  struct Call {
    const Node* node;
    std::vector<kernels::Copy> sums;  // so far, to where the call adds to them
    BoundCall run;
    Workspace workspace;
    std::int64_t end_bytes;
  };
  const char* run_call(const RunContext& context, const Call& call);
  void bind_views(const ParameterStore& store, std::byte* base, Device device);
  void bind_calls(std::byte* base);
  Call bound(const Node& node) const;
  std::int64_t end_of(ValueId value) const;

  std::shared_ptr<const StepPlan> plan_;
  Table<TensorView> views_;
  std::vector<Call> calls_;
  std::int64_t bytes_copied_ = 0;
  std::int64_t high_water_bytes_ = 0;
};

}  // namespace accrete
