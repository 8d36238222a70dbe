"""Keeps the store in order; every step is safe to run anywhere, any number of times, in parallel."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.backends.base import MAX_BATCH, Call
from jobs.backends.redis.codec import pack
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.backends.retention import Pruned, Retention


class RedisMaintainer:
    """Builds the calls that keep one namespace in order."""

    def __init__(self, keys: Keys, grace_ms: int) -> None:
        self._keys = keys
        self._grace_ms = grace_ms

    def promote_due(self) -> Call[int]:
        """Make due jobs ready, up to MAX_BATCH; return how many."""
        return script_call("promote", self._keys, ("", pack(MAX_BATCH)), int)

    def reap(self) -> Call[int]:
        """End the leases that ran out, up to MAX_BATCH; return how many."""
        return script_call("reap", self._keys, (MAX_BATCH, self._grace_ms), int)

    def prune(self, retention: Retention) -> Call[Pruned]:
        """Remove final jobs beyond retention, up to MAX_BATCH."""
        args = (
            MAX_BATCH,
            retention.max_age_ms,
            retention.max_jobs,
            retention.max_bytes,
            retention.dead_letter_age_ms,
        )
        return script_call("prune", self._keys, args, _pruned)


def _pruned(reply: Sequence[int]) -> Pruned:
    completed, cancelled, dead_letter, more = reply
    return Pruned(int(completed), int(cancelled), int(dead_letter), more=bool(more))
