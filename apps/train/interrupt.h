// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM ask a run to end its step and save; the same signal again kills it.
#pragma once

namespace accrete::apps {

void install_interrupt_handlers();
/// The signal received so far, or 0.
int interrupt_signal();

}  // namespace accrete::apps
