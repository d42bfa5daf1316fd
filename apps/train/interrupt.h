// SPDX-License-Identifier: Apache-2.0
// Signals that ask a run to end its step and save: SIGINT and SIGTERM, SIGHUP of a terminal that
// closes, SIGUSR1 of a scheduler whose time is nearly up. The same signal again kills.
#pragma once

namespace accrete::apps {

/// A signal that this process was started to ignore, as by nohup, stays ignored. So is SIGPIPE from
/// here on: a run outlives the reader of its output, which is told at the end.
void install_interrupt_handlers();
/// The signal received so far, or 0.
int interrupt_signal();

}  // namespace accrete::apps
