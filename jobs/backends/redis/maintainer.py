"""Keeps the store in order; every step is safe to run anywhere, any number of times, in parallel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.backends.glance import Glance
from jobs.backends.reconciliation import Counting
from jobs.backends.redis.codec import pack, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.backends.redis.tenants import weight_of
from jobs.backends.retention import MAX_ENDED_WORKFLOWS, STAGED_MS, Pruned, Retention
from jobs.domain.status import Status


class RedisMaintainer:
    """Builds the calls that keep one namespace in order."""

    def __init__(self, keys: Keys, grace_ms: int) -> None:
        self._keys = keys
        self._grace_ms = grace_ms

    def glance(self, queues: Sequence[str]) -> Call[Glance]:
        """See whether there is anything to claim from these queues, or to keep in order."""
        return script_call("glance", self._keys, (pack(list(queues)),), _glance)

    def promote_due(self) -> Call[int]:
        """Make due jobs ready, up to MAX_BATCH; return how many."""
        return script_call("promote", self._keys, ("", pack(MAX_BATCH)), int)

    def end_expired(self) -> Call[int]:
        """End jobs that were to start before a moment that is over, up to MAX_BATCH; return how many were looked at."""
        return script_call("expire", self._keys, (MAX_BATCH,), int)

    def reshare(self) -> Call[int]:
        """Give waiting jobs a place that fits how their queue is shared, up to MAX_BATCH; return how much was done."""
        return script_call("reshare", self._keys, (MAX_BATCH,), int)

    def reap(self) -> Call[int]:
        """End the leases that ran out, up to MAX_BATCH; return how many."""
        return script_call("reap", self._keys, (MAX_BATCH, self._grace_ms), int)

    def lose_worker(self, worker_id: str, how: str, first: int) -> Call[tuple[int, int]]:
        """End the leases of a dead worker; return where to go on (-1: the end) and how many ended."""
        args = (worker_id, how, first, MAX_BATCH)
        return script_call("lose_worker", self._keys, args, lambda reply: (int(reply[0]), int(reply[1])))

    def tend(self) -> Call[bool]:
        """Go on with what other calls left of workflows; True: there is more."""
        return script_call("tend", self._keys, (MAX_BATCH,), bool)

    def sweep(self, retention: Retention) -> Call[bool]:
        """Remove workflows that were never started, and those that ended long ago; True: there is more."""
        times = (STAGED_MS, retention.max_age_ms, retention.dead_letter_age_ms)
        return script_call("sweep", self._keys, ("", *times, MAX_ENDED_WORKFLOWS, MAX_BATCH), bool)

    def prune(self, retention: Retention) -> Call[Pruned]:
        """Remove final jobs beyond retention, up to MAX_BATCH."""
        args = (
            MAX_BATCH,
            retention.max_age_ms,
            retention.max_jobs,
            retention.max_bytes,
            retention.dead_letter_age_ms,
            retention.longest_ms,
        )
        return script_call("prune", self._keys, args, _pruned)

    def reconcile_due(self, interval_ms: int, asker: str) -> Call[tuple[str, ...] | None]:
        """Return the queues to walk through; None while another asker did or does. `asker` names this asking."""
        return script_call("reconcile_due", self._keys, (interval_ms, asker), _queues)

    def reconcile_jobs(self, cursor: str, lease_ms: int) -> Call[tuple[str, tuple[str, ...]]]:
        """Look at some jobs from `cursor` (`0` begins); return the next cursor (`0`: the end) and what was repaired."""
        return script_call("reconcile_jobs", self._keys, (cursor, MAX_BATCH, lease_ms), _repaired)

    def reconcile_pages(self, first: str) -> Call[tuple[str, tuple[str, ...]]]:
        """Look at some pages of the list of all jobs from `first` (empty: begins); return the next one (empty: the end)
        and what was taken out of a place.
        """
        return script_call("reconcile_pages", self._keys, (first, MAX_BATCH), _repaired)

    def reconcile_index(self, status: Status, queue: str | None, first: int) -> Call[tuple[int, tuple[str, ...]]]:
        """Look at a stretch of an index; return where to go on (-1: the end) and what was taken out."""
        index = self._keys.queue(queue) if queue is not None else self._keys.index(status)
        args = (status, queue or "", first, MAX_BATCH)
        return script_call("reconcile_index", self._keys, args, _taken_out, index=index)

    def reconcile_locks(self, first: int) -> Call[tuple[int, tuple[str, ...]]]:
        """Look at a stretch of the unique keys; return where to go on (-1: the end) and whose locks were freed."""
        return script_call("reconcile_locks", self._keys, (first, MAX_BATCH), _taken_out)

    def reconcile_waiting(self, first: int) -> Call[tuple[int, tuple[str, ...]]]:
        """Cancel the steps of a stretch whose workflow is gone."""
        return script_call("reconcile_waiting", self._keys, (first, MAX_BATCH), _taken_out)

    def reconcile_workflows(self, rank: int, first: int) -> Call[tuple[int, int, tuple[str, ...]]]:
        """Mend some steps of the workflow of a rank."""
        return script_call("reconcile_workflows", self._keys, (rank, first, MAX_BATCH), _mended)

    def recount(self, most: int) -> Call[Counting]:
        """Count the jobs anew if the counts do not fit the indexes and there are at most `most`."""
        return script_call("recount", self._keys, (most,), lambda reply: Counting(text_of(reply)))


def _glance(reply: Sequence[Any]) -> Glance:
    is_ready, due_in_ms, needs_upkeep, weight = reply
    due_in_s = None if due_in_ms < 0 else due_in_ms / 1000
    return Glance(bool(is_ready), due_in_s, bool(needs_upkeep), weight_of(bytes(weight)))


def _queues(reply: Sequence[bytes]) -> tuple[str, ...] | None:
    is_due, *names = reply
    return tuple(map(text_of, names)) if int(is_due) else None


def _repaired(reply: tuple[bytes, Sequence[bytes]]) -> tuple[str, tuple[str, ...]]:
    return text_of(reply[0]), tuple(map(text_of, reply[1]))


def _taken_out(reply: tuple[int, Sequence[bytes]]) -> tuple[int, tuple[str, ...]]:
    return int(reply[0]), tuple(map(text_of, reply[1]))


def _mended(reply: tuple[int, int, Sequence[bytes]]) -> tuple[int, int, tuple[str, ...]]:
    return int(reply[0]), int(reply[1]), tuple(map(text_of, reply[2]))


def _pruned(reply: Sequence[int]) -> Pruned:
    completed, cancelled, dead_letter, more = reply
    return Pruned(int(completed), int(cancelled), int(dead_letter), more=bool(more))
