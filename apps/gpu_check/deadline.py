# SPDX-License-Identifier: Apache-2.0
"""How long the whole run may take. Every limit of every command is asked for here, and so is
whether anything may start at all."""
import math
import time

RESERVE = 3.0  # seconds kept for writing rows, archive and table
LEAST = 5.0    # what has less than this is not worth starting


class Deadline:
    def __init__(self, seconds=None):
        self.end = math.inf if seconds is None else time.monotonic() + seconds
        self.interrupted = False

    def interrupt(self, *_):
        """A signal handler: what runs is killed, nothing else starts."""
        self.interrupted = True

    def left(self):
        """Seconds that commands may still take."""
        return self.end - time.monotonic() - RESERVE

    def refusal(self):
        """Why nothing may start any more; empty while something may."""
        if self.interrupted:
            return "interrupted"
        return "no time left" if self.left() < LEAST else ""

    def cap(self, limit):
        return max(0.0, min(limit, self.left()))
