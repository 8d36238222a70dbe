"""A key of the store is deleted while a worker works: the worker itself finds out, puts it right and says so."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from jobs import wiring
from jobs.domain.backoff import Backoff
from jobs.domain.status import FINAL
from tests.consistency import faults_of
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import working
from workers import Context, Discard, Snooze, handler
from workers.registry import Registry

# Each type of key that the store has; those with a colon are families.
KEYS = (
    *("pages", "page:", "queue:main", "scheduled", "failed", "leases", "dlq", "completed", "cancelled", "queues"),
    *("paused", "counts", "totals", "events", "store_life", "workers"),
    *("job:", "stats:", "wake:", "idem:", "claim:", "purge:", "worker:"),
)
KINDS = ("quick", "slow", "once", "later", "useless")


@pytest.fixture
def registry() -> Registry:
    """Return handlers of which some take their time, fail, snooze and give up."""
    made = Registry()

    @handler("quick", into=made)
    async def quick(context: Context, payload: object) -> object:
        return payload

    @handler("slow", into=made)
    def slow(context: Context, payload: object) -> None:
        threading.Event().wait(0.03)

    @handler("once", into=made)
    async def once(context: Context, payload: object) -> None:
        if context.attempt == 1:
            raise ValueError("the first attempt")

    @handler("later", into=made)
    async def later(context: Context, payload: object) -> None:
        if context.attempt == 1:
            raise Snooze(0.05)

    @handler("useless", into=made)
    async def useless(context: Context, payload: object) -> None:
        raise Discard("no use")

    return made


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the worker look through its namespace all the time instead of every five minutes; leases of a second."""
    monkeypatch.setattr("workers.maintenance.reconciler.INTERVAL_MS", 50)
    monkeypatch.setattr("workers.maintenance.reconciler._ASK_EVERY_S", 0.0)
    monkeypatch.setattr("workers.service.INTERVAL_S", 0.05)
    monkeypatch.setattr("django.conf.settings.IRONFORGE_LEASE_MS", 1_000)
    wiring.conf.cache_clear()
    yield
    monkeypatch.undo()
    wiring.conf.cache_clear()


@dataclass
class Flow:
    """Jobs of all kinds, submitted one after the other in a thread until the flow is stopped."""

    bench: Bench
    ids: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def more(self, number: int) -> None:
        """Wait until so many more jobs are accepted."""
        goal = len(self.ids) + number
        until(lambda: len(self.ids) >= goal or not self._thread.is_alive())
        assert self._thread.is_alive()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.002):
            number = len(self.ids)
            later = {"scheduled_for": self.bench.now() + 50} if number % 7 == 0 else {}
            backoff = Backoff(base_ms=50, max_ms=50)
            self.ids.append(self.bench.submit(KINDS[number % len(KINDS)], backoff=backoff, **later))

    def is_over(self) -> bool:
        """Tell whether every job that was not deleted has ended, and no key contradicts another."""
        left = [job_id for job_id in self.ids if job_id not in self.deleted]
        for first in range(0, len(left), 200):
            jobs = self.bench.run(self.bench.inspector.get_many(left[first : first + 200]))
            if any(job is None or job.status not in FINAL for job in jobs):
                return False
        return faults_of(self.bench.client, self.bench.keys) == []


def delete(flow: Flow, name: str) -> None:
    """Delete a key, or those of a family; of the jobs one, which is gone for good."""
    bench = flow.bench
    if name == "job:":
        job_id = random.choice(flow.ids[-20:])
        flow.deleted.add(job_id)
        bench.client.delete(bench.keys.named("job_prefix") + job_id)
        return
    tag = bench.keys.named("workers" if name.startswith("worker") else "pages").rpartition(":")[0]
    is_family = name.endswith(":")
    for key in bench.client.scan_iter(f"{tag}:{name}*", count=10_000) if is_family else [f"{tag}:{name}"]:
        bench.client.delete(key)


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_whatever_key_is_deleted_under_load_every_job_ends_and_the_repair_is_told(
    bench: Bench, registry: Registry, caplog: pytest.LogCaptureFixture, eager: None, rounds: int
) -> None:
    with caplog.at_level(logging.INFO, "ironforge.worker"), working(bench, registry, concurrency=8):
        flow = Flow(bench)
        try:
            for name in KEYS * rounds:
                flow.more(10)
                delete(flow, name)
            flow.more(10)
        finally:
            flow.stop()
        until(flow.is_over)
    told = [record.msg for record in caplog.records]
    assert "store.repaired" in told
    assert "loop.crashed" not in told
    assert bench.totals()["repaired"] > 0
