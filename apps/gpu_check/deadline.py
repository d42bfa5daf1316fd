# SPDX-License-Identifier: Apache-2.0
"""How long the whole run may take. Every limit of every command is asked for here, and so is
whether anything may start at all."""
import math
import time

RESERVE = 3.0  # seconds kept for writing rows, archive and table
LEAST = 5.0    # what has less than this is not worth starting


class Deadline:
    def __init__(self, seconds=None):
        self.seconds = math.inf if seconds is None else seconds
        self.end = time.monotonic() + self.seconds
        self.step_end = self.end
        self.interrupted = False

    def begin_step(self, share):
        """From now on a step runs, which must leave time for the others: of the whole time it may
        take this share."""
        self.step_end = min(self.end, time.monotonic() + share * self.seconds)

    def interrupt(self, *_):
        """A signal handler: what runs is killed, nothing else starts."""
        self.interrupted = True

    def left(self):
        """Seconds that commands may still take."""
        return min(self.end - RESERVE, self.step_end) - time.monotonic()

    def refusal(self):
        """Why nothing may start any more; empty while something may."""
        if self.interrupted:
            return "interrupted"
        if self.left() >= LEAST:
            return ""
        return "no time left" if self.step_end == self.end else "no time left for this step"

    def cap(self, limit):
        return max(0.0, min(limit, self.left()))
