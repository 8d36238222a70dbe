"""What the view shows of a namespace, read at one moment."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from jobs.access.actor import Actor
from jobs.domain.queue import Minute, QueueStats, WorkerRecord
from jobs.domain.status import Status
from jobs.services import dead_letters, health, queues, workers
from jobs.services.dead_letters import DeadLetterGroups
from jobs.services.health import Health

MINUTES = 60
# Dead letters come with their payloads, so the view groups fewer of them than the console, and less often.
LETTERS = 200
LETTERS_EVERY_S = 5.0
# Rates over so long are steady enough to be read, and follow soon.
RATES_OVER_MS = 5_000
COUNTERS = ("submitted", "completed", "failed", "dead")


@dataclass(frozen=True, slots=True)
class Reading:
    """A namespace at the store's time `server_time` (Unix ms). `totals` and `per_s` are by the names of COUNTERS.

    `minutes` are the last full ones, oldest first.
    """

    namespace: str
    server_time: int
    queues: tuple[QueueStats, ...]
    minutes: tuple[Minute, ...]
    totals: dict[str, float]
    per_s: dict[str, float]
    workers: tuple[WorkerRecord, ...]
    letters: DeadLetterGroups
    health: Health


class Reader:
    """Reads a namespace again and again; keeps what rates and seldom readings need."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._earlier: deque[tuple[int, dict[str, float]]] = deque()
        self._letters: tuple[int, float, DeadLetterGroups] | None = None

    def read(self) -> Reading:
        """Return how things are now. Raises NotPermitted or BackendUnavailable."""
        now = queues.overview(self._actor, MINUTES)
        totals = {name: _total(now.totals, name) for name in COUNTERS}
        full = tuple(minute for minute in now.minutes if minute.at + 60_000 <= now.server_time)
        return Reading(
            namespace=self._actor.namespace,
            server_time=now.server_time,
            queues=tuple(sorted(now.queues, key=urgency)),
            minutes=full,
            totals=totals,
            per_s=self._rates(now.server_time, totals, full),
            workers=tuple(workers.list_workers(self._actor)),
            letters=self._newest_letters(sum(queue.total(Status.DEAD_LETTER) for queue in now.queues)),
            health=health.system_health(),
        )

    def _rates(self, now_ms: int, totals: dict[str, float], full: tuple[Minute, ...]) -> dict[str, float]:
        """Return what happened per second since an earlier reading; the last full minute's mean at the first one."""
        while self._earlier and not 0 < now_ms - self._earlier[0][0] <= RATES_OVER_MS:
            self._earlier.popleft()
        self._earlier.append((now_ms, totals))
        since, before = self._earlier[0]
        if since == now_ms:
            last = full[-1] if full else None
            return {name: getattr(last, name, 0) / 60 for name in COUNTERS}
        # Counters that fell are those of another store, or of one that was emptied.
        return {name: max(0.0, totals[name] - before[name]) * 1000 / (now_ms - since) for name in COUNTERS}

    def _newest_letters(self, count: int) -> DeadLetterGroups:
        """Return the groups of the newest dead letters: again when their number changed, or after a while."""
        if self._letters is not None:
            known, at, groups = self._letters
            age_s = time.monotonic() - at
            if age_s < LETTERS_EVERY_S and (known == count or age_s < 1):
                return groups
        groups = dead_letters.list_groups(self._actor, LETTERS)
        self._letters = (count, time.monotonic(), groups)
        return groups


def urgency(queue: QueueStats) -> tuple[bool, int, str]:
    """Put what needs a look first: what is paused, then the longest. By powers of two, so that rows seldom swap."""
    return queue.pause is None, -queue.total(Status.QUEUED).bit_length(), queue.name


def _total(totals: dict[str, float], name: str) -> float:
    """Return the sum of a counter over its labels, as `completed:<kind>`."""
    start = f"{name}:"
    return sum(value for key, value in totals.items() if key == name or key.startswith(start))
