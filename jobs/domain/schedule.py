"""When a schedule fires, and what becomes of the instants that nobody was there for. Pure: it is told what time it is.

A *nominal instant* is one that the timing names (Unix ms). Each is decided once: fired, or passed over for a reason.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, takewhile

from jobs.domain.cron import Cron, CronFault
from jobs.domain.schedule_policy import CatchUp
from jobs.domain.zone_time import instants_after, zone_of

MIN_EVERY_MS = 1_000
MAX_EVERY_MS = 366 * 86_400_000
MAX_JITTER_MS = 3_600_000
DEFAULT_CATCH_UP_LIMIT = 100
# A call stores no more jobs.
MAX_CATCH_UP_LIMIT = 180
# A younger instant is on time, whatever the catch-up is: somebody was restarted, or busy.
ON_TIME_MS = 10_000
# So far the instants of an outage are counted.
MAX_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Timing:
    """One of three: a cron expression in a zone, a period since `anchor_ms`, or one instant (Unix ms)."""

    cron: str = ""
    zone: str = "UTC"
    every_ms: int = 0
    anchor_ms: int = 0
    at_ms: int | None = None

    @property
    def cron_words(self) -> str:
        """Return what its cron expression says in English; empty without one, or for text that is none."""
        try:
            return _words_of(self.cron) if self.cron else ""
        except CronFault:
            return ""

    def instants_after(self, after_ms: int) -> Iterator[int]:
        """Yield the nominal instants after one, rising. Raises CronFault for text that is no cron expression."""
        if self.at_ms is not None:
            return iter((self.at_ms,) if self.at_ms > after_ms else ())
        return _periods(self.anchor_ms, self.every_ms, after_ms) if self.every_ms else self._cron_after(after_ms)

    def next_after(self, after_ms: int) -> int | None:
        """Return the first nominal instant after one, None where there is none any more."""
        return next(self.instants_after(after_ms), None)

    def require_firing(self, now_ms: int) -> None:
        """Pass if a cron expression fires in the next five years. Raises CronFault."""
        # Text that is empty is no cron expression either.
        if self.next_after(now_ms) is None:
            raise CronFault(
                "never_fires", "It does not fire in the next five years.", read_cron(self.cron).day_position()
            )

    def _cron_after(self, after_ms: int) -> Iterator[int]:
        after = datetime.fromtimestamp(after_ms // 1000, UTC)
        return (int(it.timestamp() * 1000) for it in instants_after(read_cron(self.cron), zone_of(self.zone), after))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided about the instants up to `until_ms`: `due` fire, in order; `missed` do not.

    `missed` stops counting at MAX_COUNTED; `last_missed` is the newest of them.
    """

    until_ms: int
    due: tuple[int, ...]
    missed: int = 0
    last_missed: int | None = None


read_cron = lru_cache(maxsize=1024)(Cron)


@lru_cache(maxsize=1024)
def _words_of(cron: str) -> str:
    return read_cron(cron).words()


def plan(timing: Timing, catch_up: CatchUp, limit: int, after_ms: int, now_ms: int) -> Plan:
    """Decide about the nominal instants after one and up to now. `limit` counts for `all` only."""
    found, is_whole = _newest(timing, after_ms, now_ms)
    on_time = [it for it in found if now_ms - it <= ON_TIME_MS]
    late = found[: len(found) - len(on_time)]
    if catch_up is CatchUp.ALL:
        late = late[max(0, len(late) - max(0, limit - len(on_time))) :]
    elif catch_up is CatchUp.LATEST and not on_time:
        late = late[-1:]
    else:
        late = []
    due = (*late, *on_time)
    missed = len(found) - len(due) if is_whole else MAX_COUNTED
    passed_over = found[: len(found) - len(due)]
    return Plan(now_ms, due, missed, passed_over[-1] if passed_over else None)


def jittered(schedule_id: str, nominal_ms: int, jitter_ms: int) -> int:
    """Return when the job of an instant becomes due: whoever reckons it comes to the same."""
    if not jitter_ms:
        return nominal_ms
    digest = hashlib.sha256(f"{schedule_id}:{nominal_ms}".encode()).digest()
    return nominal_ms + int.from_bytes(digest[:8]) % (jitter_ms + 1)


def _newest(timing: Timing, after_ms: int, now_ms: int) -> tuple[list[int], bool]:
    """Return the instants after one and up to now, or the newest of very many, and whether they are all."""
    found = list(islice(_between(timing, after_ms, now_ms), MAX_COUNTED + 1))
    if len(found) <= MAX_COUNTED:
        return found, True
    span_ms = ON_TIME_MS
    while len(found) > MAX_COUNTED or len(found) <= MAX_CATCH_UP_LIMIT:
        # Not all of a long outage is walked through, only as much of its end as can be made good.
        found = list(deque(_between(timing, max(after_ms, now_ms - span_ms), now_ms), MAX_COUNTED))
        span_ms *= 2
    return found, False


def _between(timing: Timing, after_ms: int, until_ms: int) -> Iterator[int]:
    return takewhile(lambda it: it <= until_ms, timing.instants_after(after_ms))


def _periods(anchor_ms: int, every_ms: int, after_ms: int) -> Iterator[int]:
    instant = anchor_ms + max(1, (after_ms - anchor_ms) // every_ms + 1) * every_ms
    while True:
        yield instant
        instant += every_ms


def local_text(timing: Timing, instant_ms: int) -> str:
    """Return an instant as the clocks of its zone show it, with the offset."""
    return datetime.fromtimestamp(instant_ms / 1000, zone_of(timing.zone)).isoformat(timespec="seconds")
