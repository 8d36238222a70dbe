"""The states of a job and the only moves between them.

This is the table of `docs/states.md`, and a test compares the two. The scripts check the same moves in the store.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD_LETTER = "dead_letter"
    CANCELLED = "cancelled"


S = Status
TRANSITIONS: dict[Status | None, frozenset[Status]] = {
    None: frozenset({S.QUEUED, S.SCHEDULED, S.WAITING}),
    S.WAITING: frozenset({S.QUEUED, S.SCHEDULED, S.CANCELLED}),
    S.SCHEDULED: frozenset({S.QUEUED, S.CANCELLED}),
    S.FAILED: frozenset({S.QUEUED, S.CANCELLED}),
    S.QUEUED: frozenset({S.RUNNING, S.DEAD_LETTER, S.CANCELLED}),
    S.RUNNING: frozenset({S.COMPLETED, S.FAILED, S.DEAD_LETTER, S.QUEUED, S.SCHEDULED, S.CANCELLED}),
    S.DEAD_LETTER: frozenset({S.QUEUED, S.CANCELLED}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
}

# A dead letter waits for a person, so a client that waits for the end of a job need not wait longer.
FINAL = frozenset({S.COMPLETED, S.DEAD_LETTER, S.CANCELLED})
CANCELLABLE = frozenset({S.QUEUED, S.SCHEDULED, S.FAILED, S.WAITING})


def may_move(before: Status | None, after: Status) -> bool:
    """Tell whether a job may go from `before` (None: not submitted yet) to `after`."""
    return after in TRANSITIONS[before]
