"""What a store is asked about schedules: what is decided of their instants, and to decide about more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from jobs.backends.call import Call
from jobs.domain.fire import Decided, Declaration, FireNote, ScheduleState
from jobs.domain.job import JobSpec
from jobs.domain.schedule_policy import Overlap

Manner = Literal["keep", "remove", "revive", "rewind"]
# 0 stands for it in a call.
BY_HAND = 0


@dataclass(frozen=True, slots=True)
class Fire:
    """A decision about the instants of a schedule that lie after `seen` and up to `until_ms` (Unix ms).

    Each of the `nominals` is due, and its job, an id and what it is, stands at its place in `jobs`; `missed` others are
    passed over, of which `last_missed` is the newest. Ids are of the schedule's shard. `act` names the call. With a
    `key`, 40 hex digits, one job by hand is the only one of that key in 24 h.
    """

    schedule_id: str
    act: str
    revision: int
    seen: int
    until_ms: int
    overlap: Overlap
    nominals: Sequence[int] = ()
    jobs: Sequence[tuple[str, JobSpec]] = ()
    missed: int = 0
    last_missed: int = 0
    key: str = ""


class Schedules(Protocol):
    """The schedules of one namespace; each is kept in the shard that its id names."""

    def fire(self, fire: Fire) -> Call[Decided]:
        """Decide: all of it, in one step, or nothing where somebody else has decided since, or has changed it.

        With `until_ms` BY_HAND one job is stored, whatever is decided and under way.
        """

    def state(self, schedule_id: str) -> Call[ScheduleState]:
        """Return up to when its instants are decided, and the time there."""

    def history(self, schedule_id: str, amount: int) -> Call[tuple[FireNote, ...]]:
        """Return what became of its last instants, newest first, at most 100."""

    def declare(self, texts: Mapping[str, str], since_ms: int) -> Call[None]:
        """Keep what the code of a worker says of schedules, by name; of two, what the one says that started later."""

    def declared(self) -> Call[tuple[Declaration, ...]]:
        """Return what workers' code has said within a day."""

    def amend(self, schedule_id: str, revision: int, manner: Manner, seen: int = 0) -> Call[None]:
        """Let nobody decide any more who has read an older one.

        `remove` also forgets what is known of it, `revive` undoes that. `rewind` moves a mark that is ahead of the
        clock, and still where it was `seen` (ms), back to now; jobs that were made for instants to come are the only
        ones of these.
        """
