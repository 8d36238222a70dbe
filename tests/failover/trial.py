"""One failover under load, and what the heir still knows of what clients were promised."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from jobs.backends.redis.keys import Keys
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.domain.status import Status
from tests.backends.servers import Server
from tests.consistency import faults_of
from tests.failover.guarded import REPLICAS, Guarded, replicas_of
from tests.failover.ledger import CLIENTS, Ledger, Told
from tests.failover.site import Site, site
from tests.pages import listed_ids
from tests.torture.ledger import now_ms
from tests.torture.pulse import Pulse, length_ms
from tests.waiting import until

BEFORE, AFTER = 150, 60
END_S = 60.0
KEYS = Keys(DEFAULT_NAMESPACE)


@dataclass(frozen=True)
class Mode:
    """What an answer waits for: the installation's setting, and options of the store."""

    name: str
    durability: str = "everysec"
    replicas: int = 1
    store_options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Break:
    """What happens: the links to `held` replicas are silent for `hole_s`, then the master dies.

    With `is_pause` it only stands still, and comes back as soon as there is an heir.
    """

    hole_s: float = 0.0
    held: int = REPLICAS
    is_pause: bool = False


@dataclass
class Outcome:
    """What clients were told, and what is left. Moments are of the monotonic clock."""

    mode: Mode
    hole_at: float
    killed_at: float
    woken_at: float
    pulse: Pulse
    acknowledged: list[Told]
    refused: list[Told]
    # Job id by key, of submissions that were refused at first and repeated after the failover, twice.
    repeated: tuple[dict[str, str], dict[str, str]]
    site: Site
    heir: Server
    lost: list[Told] = field(default_factory=list)
    stored: int = 0
    completions: Counter[object] = field(default_factory=Counter)

    @property
    def recovered_s(self) -> float:
        """Return the time from the master's death to the first promise that was asked for after it."""
        return min(told.told_at for told in self.acknowledged if told.asked_at > self.killed_at) - self.killed_at

    def waited_s(self, told: Told) -> float:
        """Return how long a client waited for an answer while the machine did not stand still."""
        to_unix_ms = now_ms() - time.monotonic() * 1000
        span = told.asked_at * 1000 + to_unix_ms, told.told_at * 1000 + to_unix_ms
        return told.took_s - length_ms(self.pulse.stalls, *span) / 1000

    @property
    def window_s(self) -> float:
        """Return how long before the master's death the first lost job was promised."""
        return max((self.killed_at - told.told_at for told in self.lost), default=0.0)


@contextmanager
def trial(
    folder: Path,
    data_dir: Path,
    mode: Mode,
    broken: Break,
    *,
    lease_ms: int = 3_000,
    at_death: Callable[[Guarded, Site], None] | None = None,
) -> Iterator[Outcome]:
    """Load an installation, break it, and yield when its jobs have ended; `at_death` acts just before the death."""
    with (
        Guarded(folder, mode.store_options) as guarded,
        site(data_dir, guarded.url, mode.durability, mode.replicas, lease_ms) as made,
    ):
        made.worker.told("store.reconciled")
        ledger, pulse = Ledger(made.api, folder / "ledger.jsonl"), Pulse()
        try:
            ledger.wait_for(BEFORE)
            hole_at = _fall_silent(guarded, ledger, broken)
            if at_death is not None:
                at_death(guarded, made)
            looks = made.looks()
            killed_at = guarded.stop_master(signal.SIGSTOP if broken.is_pause else signal.SIGKILL)
            heir = guarded.heir()
            woken_at = guarded.wake_master() if broken.is_pause else killed_at
            with heir.client() as client:
                until(lambda: replicas_of(client) == REPLICAS - 1 + broken.is_pause, END_S)
            ledger.wait_for(AFTER, since=time.monotonic())
        finally:
            ledger.stop()
            pulse.stop()
        # The worker looks through all jobs because another store answers.
        until(lambda: made.looks() > looks, END_S)
        told, refused = ledger.acknowledged(), ledger.refused()
        repeated = (ledger.repeat_all(refused), ledger.repeat_all(refused))
        found = Outcome(mode, hole_at, killed_at, woken_at, pulse, told, refused, repeated, made, heir)
        _judge(found)
        yield found


def _fall_silent(guarded: Guarded, ledger: Ledger, broken: Break) -> float:
    """Have the links be silent for as long as is wanted; return when that began (monotonic s)."""
    hole_at = time.monotonic()
    if broken.hole_s:
        guarded.hold(broken.held)
        # Clients must have asked in it: the machine may have stood still for all of the time.
        until(lambda: time.monotonic() >= hole_at + broken.hole_s and ledger.answered(since=hole_at) >= CLIENTS)
    return hole_at


def _judge(found: Outcome) -> None:
    """Fill in what heir and worker say, once no promised job is under way any more."""
    ids = [told.job_id for told in found.acknowledged]
    with found.heir.client() as client:
        until(lambda: _has_ended(client, [*ids, *found.repeated[0].values()]), END_S)
        statuses = zip(found.acknowledged, _statuses(client, ids), strict=True)
        found.lost = [told for told, status in statuses if status is None]
        found.stored = len(listed_ids(client, KEYS))
        assert faults_of(client, KEYS) == []
    ends = [entry for entry in found.site.worker.everything() if entry.get("event") == "job.completed"]
    found.completions = Counter(entry["job_id"] for entry in ends)


def _has_ended(client: redis.Redis, job_ids: list[str]) -> bool:
    is_running = client.zcard(KEYS.index(Status.RUNNING)) > 0
    return not is_running and set(_statuses(client, job_ids)) <= {b"completed", None}


def _statuses(client: redis.Redis, job_ids: list[str]) -> list[bytes | None]:
    """Return the status of each job in order; None of one that is not there."""
    pipeline = client.pipeline(transaction=False)
    for job_id in job_ids:
        pipeline.hget(KEYS.named("job_prefix") + job_id, "status")
    return list(pipeline.execute())
