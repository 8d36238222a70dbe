"""Backoff: how long a failed job waits for its next attempt.

delay = min(base · 2^retry_count, max), with `retry_count` counted after the failure (ADR 0003).
"""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec

DEFAULT_BASE_MS = 1_000
DEFAULT_MAX_MS = 300_000
LIMIT_MS = 7 * 86_400_000


class Jitter(StrEnum):
    """How chance spreads the delays: not at all, or evenly over the whole delay."""

    NONE = "none"
    FULL = "full"


class Backoff(msgspec.Struct, frozen=True, omit_defaults=True):
    """The three numbers of a policy; times in ms."""

    base_ms: int = DEFAULT_BASE_MS
    max_ms: int = DEFAULT_MAX_MS
    jitter: Jitter = Jitter.NONE

    def delay_ms(self, retry_count: int, chance: random.Random | None = None) -> int:
        """Return the wait before retry number `retry_count` (1 for the first).

        With full jitter the answer is uniform in 1 … the plain delay and `chance` must be given.
        """
        if retry_count < 1:
            raise ValueError("retry_count is counted after the failure, so it is at least 1")
        # 2^40 ms is 34 years: beyond every cap, and a bound on the size of the integer.
        plain = min(self.base_ms << min(retry_count, 40), self.max_ms)
        if self.jitter is Jitter.FULL and plain > 1:
            if chance is None:
                raise ValueError("full jitter needs a source of chance")
            return chance.randint(1, plain)
        return plain
