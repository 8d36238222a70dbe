"""What became of the instants of a schedule. Times are Unix ms of the store's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# `changed`, `stale`: somebody else changed the schedule, or decided since; `early`: the time has not come there.
FireCode = Literal["fired", "changed", "stale", "early"]
Refusal = Literal["too_many_queues", "quota_jobs", "quota_bytes", "quota_rate"]
FireOutcome = Literal["fired", "overlap"] | Refusal
# `by_hand`: somebody asked for it; `missed`: nobody was there, and the catch-up passes it over; `delayed`: the quota of
# submissions is used up, and the instant is tried again.
NoteOutcome = Literal["fired", "by_hand", "overlap", "missed", "delayed"] | Refusal
# The revision of what is removed: no row ever has one that high.
REMOVED = 2**53 - 1


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Up to when the instants of a schedule are decided there, None for nowhere, and the time.

    `revision` is the highest that was told there, REMOVED when it was removed. `ahead` are instants behind the mark
    that have their jobs already, from when the store's clock was ahead.
    """

    now_ms: int
    mark_ms: int | None
    revision: int = 0
    ahead: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision; `outcomes` has the job's id and what became of it, for each instant that was due."""

    code: FireCode
    now_ms: int
    mark_ms: int | None
    outcomes: tuple[tuple[str, FireOutcome], ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    """A schedule that workers' code declares, as JSON text, and how long ago one last did (ms)."""

    name: str
    text: str
    age_ms: int


@dataclass(frozen=True, slots=True)
class FireNote:
    """What became of one instant, or of `count` that were missed, of which `nominal_ms` is the newest."""

    nominal_ms: int
    at_ms: int
    outcome: NoteOutcome
    job_id: str | None = None
    count: int = 1
