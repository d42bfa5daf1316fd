// SPDX-License-Identifier: Apache-2.0
// Steps that have been queued on a session and whose results have not been seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "accrete/engine/training_session.h"

namespace accrete::apps {

class StepsUnderWay {
 public:
  /// Steps that may be queued on a GPU before the result of the first must be there: enough that it
  /// never waits for the host, few enough that an interruption is quick.
  static constexpr std::size_t kMost = 4;

  std::int64_t count() const { return static_cast<std::int64_t>(sizes_.size()); }
  void add(std::int64_t batch) { sizes_.push_back(batch); }

  /// Calls account(result, size of the batch) for steps in the order of add(), until at most
  /// `pending` are under way.
  template <class Account>
  void take_results(TrainingSession& session, std::size_t pending, const Account& account) {
    for (const StepResult& result : session.results(pending)) {
      account(result, sizes_.front());
      sizes_.pop_front();
    }
  }

 private:
  std::deque<std::int64_t> sizes_;
};

}  // namespace accrete::apps
