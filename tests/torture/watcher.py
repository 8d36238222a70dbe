"""Looks at the store past all proxies while a run goes on: at every event, the leases, and the place of each job."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import redis

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.status import Status
from tests.torture.cast import Cast
from tests.torture.ledger import now_ms
from tests.torture.plans import NAMESPACES

LOOK_EVERY_S = 0.05
STRUCTURE_EVERY_S = 2.0
BATCH = 4096
_MAKING = frozenset({"submit", "stage", "grow"})

# In one script, so that no job is between two places while it looks. KEYS: ids, then the indexes in the order of ARGV.
_STRAYS = """
local strays, index = {}, {}
for i = 2, #ARGV do index[ARGV[i]] = KEYS[i] end
local ids = {}
for _, page in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  for _, id in ipairs(redis.call('LRANGE', ARGV[1] .. 'page:' .. page, 0, -1)) do ids[#ids + 1] = id end
end
for _, id in ipairs(ids) do
  local status = redis.call('HGET', ARGV[1] .. 'job:' .. id, 'status') or 'gone'
  local found = 0
  for name, key in pairs(index) do
    if redis.call('ZSCORE', key, id) then found = found + (name == status and 1 or 100) end
  end
  local queues = redis.call('ZRANGE', KEYS[#KEYS], 0, -1)
  for _, queue in ipairs(queues) do
    if redis.call('ZSCORE', ARGV[1] .. 'queue:' .. queue, id) then found = found + (status == 'queued' and 1 or 100) end
  end
  if found ~= 1 then strays[#strays + 1] = id .. ' is ' .. status .. ' and has ' .. found .. ' places' end
end
return strays
"""


@dataclass(frozen=True)
class Move:
    """One change of one job, in the order and at the time (ms) of the store. `status` None: it was deleted."""

    at_ms: int
    ns: str
    verb: str
    status: Status | None
    order: int = 0  # among all moves of the namespace


@dataclass(frozen=True)
class Granted:
    """A lease as it was seen at `seen_ms`: it was to last until `until_ms` (Unix ms)."""

    seen_ms: float
    until_ms: int


class Watcher:
    """Watches both namespaces in a thread of its own."""

    def __init__(self, cast: Cast) -> None:
        self.moves: dict[str, list[Move]] = {}
        self.leases: dict[str, list[Granted]] = {}
        self.strays: list[str] = []
        self.missed = 0  # times that events were dropped before they were read
        self.away: list[tuple[float, float]] = []  # when the store did not answer (Unix ms)
        self._client = cast.client("watcher", timeout_s=1.0)
        self._runner = SyncRunner(self._client)
        self._backend = RedisBackend()
        self._after = dict.fromkeys(NAMESPACES, "0-0")
        self._order = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read what is left of the events, and watch no more."""
        self._is_over.set()
        self._thread.join()
        for ns in NAMESPACES:
            self._read_events(ns)
        self._client.close()

    def _watch(self) -> None:
        structure_at = time.monotonic() + STRUCTURE_EVERY_S
        asked_ms = now_ms()
        while not self._is_over.wait(LOOK_EVERY_S):
            try:
                for ns in NAMESPACES:
                    self._read_events(ns)
                    self._read_leases(ns)
                    if time.monotonic() > structure_at:
                        self._look_for_strays(ns)
                if time.monotonic() > structure_at:
                    structure_at = time.monotonic() + STRUCTURE_EVERY_S
            except (redis.RedisError, BackendUnavailable):
                continue
            answered_ms = now_ms()
            if answered_ms - asked_ms > 500:
                self.away.append((asked_ms, answered_ms))
            asked_ms = answered_ms

    def _read_events(self, ns: str) -> None:
        events, missed = self._runner.run(self._backend.feed(ns).events_since(self._after[ns], BATCH))
        self.missed += missed and self._after[ns] != "0-0"
        for event in events:
            self._after[ns] = event.id
            at_ms = int(event.id.partition("-")[0])
            # What an attempt says of itself moves no job.
            for change in event.changes if event.verb != "report" else ():
                moves = self.moves.setdefault(change.job_id, [])
                before = moves[-1].status if moves else None
                self._order += 1
                moves.append(Move(at_ms, ns, _verb_of(event.verb, before, change.status), change.status, self._order))

    def _read_leases(self, ns: str) -> None:
        seen_ms = now_ms()
        for member, score in self._client.zrange(Keys(ns).named("leases"), 0, -1, withscores=True):
            granted = self.leases.setdefault(member.decode(), [])
            if not granted or granted[-1].until_ms != int(score):
                granted.append(Granted(seen_ms, int(score)))

    def _look_for_strays(self, ns: str) -> None:
        keys = Keys(ns)
        statuses = [status for status in Status if status is not Status.QUEUED]
        prefix = keys.named("pages").removesuffix("pages")
        names = [keys.named("pages"), *(keys.index(status) for status in statuses), keys.named("queues")]
        found = self._client.eval(_STRAYS, len(names), *names, prefix, *(status.value for status in statuses))
        self.strays += [f"{ns}: {text.decode()}" for text in found]


def _verb_of(verb: str, before: Status | None, status: Status | None) -> str:
    """Return what was done to one job, whatever was done to another one in the same call."""
    if before is None and verb not in _MAKING:
        # What nobody submitted came with the end of another job, or by the clock.
        return "deliver"
    if before is Status.WAITING and status in (Status.QUEUED, Status.SCHEDULED):
        return "release"
    if before is Status.DEAD_LETTER and status is Status.QUEUED:
        return "retry"
    if status is Status.RUNNING and verb != "claim":
        # It was asked to stop.
        return "cancel"
    return verb
