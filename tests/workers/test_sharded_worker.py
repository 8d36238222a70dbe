"""A worker of a namespace over twelve shards on three masters."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.backends.base import Submission
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import connect
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import Job, JobSpec
from jobs.domain.status import Status
from tests.backends.clusters import Cluster
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_command import events, started, told

SHARDS = 12


class Spread:
    """The namespace of a bench, over all shards."""

    def __init__(self, bench: Bench, url: str) -> None:
        self.bench, self.url = bench, url
        self.client = connect(url, "spread", 5.0)
        self.run = SyncRunner(self.client).run
        backend = RedisBackend(shards=SHARDS)
        self.producer, self.inspector = backend.producer(bench.namespace), backend.inspector(bench.namespace)
        self.ids = IdentityMaker()

    @property
    def settings(self) -> dict[str, str]:
        """Return what a worker must know."""
        return {"IRONFORGE_REDIS_URL": self.url, "IRONFORGE_SHARDS": str(SHARDS), "IRONFORGE_ACCEPT_LOSS": "1"}

    def submit(self, shards: list[int], payload: object = None, kind: str = "demo.sleep") -> list[str]:
        """Store a job in each of these shards."""
        spec = JobSpec(kind=kind, payload=json.dumps(payload or {"ms": 0}).encode())
        made = [Submission(self.ids.make(shard), spec) for shard in shards]
        for first in range(0, len(made), 200):
            self.run(self.producer.submit(made[first : first + 200]))
        return [each.job_id for each in made]

    def get(self, job_id: str) -> Job:
        """Return a job that must be there."""
        job = self.run(self.inspector.get(job_id))
        assert job is not None
        return job

    def finished_s(self, ids: list[str]) -> float:
        """Return how long it takes until the jobs are completed."""
        began = time.monotonic()
        self.completed(ids)
        return time.monotonic() - began

    def completed(self, ids: list[str]) -> list[Job]:
        """Return the jobs once all are completed."""

        def found() -> list[Job]:
            jobs = [
                job
                for first in range(0, len(ids), 200)
                for job in self.run(self.inspector.get_many(ids[first : first + 200]))
                if job is not None
            ]
            return [job for job in jobs if job.status is Status.COMPLETED]

        until(lambda: len(found()) == len(ids))
        return found()


@pytest.fixture
def spread(bench: Bench, three_masters: Cluster) -> Iterator[Spread]:
    made = Spread(bench, three_masters.url)
    yield made
    for key in made.client.scan_iter(f"ironforge:{{{bench.namespace}/*"):
        made.client.unlink(key)
    made.client.close()


@pytest.mark.parametrize("concurrency", ["5", *(pytest.param(n, marks=pytest.mark.long) for n in ("1", "50"))])
def test_jobs_of_all_shards_run_once_whatever_the_slots(spread: Spread, tmp_path: Path, concurrency: str) -> None:
    ids = spread.submit([number % SHARDS for number in range(300)])
    log = tmp_path / "log"
    with started(spread.bench, log, "--concurrency", concurrency, **spread.settings) as process:
        jobs = spread.completed(ids)
        # And those that come when it has nothing to do.
        jobs += spread.completed(spread.submit(list(range(SHARDS))))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert {len(spread.get(job.id).attempts) for job in jobs[:20]} == {1}
    assert told(log, "loop.crashed") == 0
    assert spread.run(spread.inspector.workers()) == []


def test_a_shard_with_little_to_do_does_not_wait_for_one_with_much(spread: Spread, tmp_path: Path) -> None:
    much = spread.submit([3] * 1_000, {"ms": 10})
    with started(spread.bench, tmp_path / "log", "--concurrency", "2", **spread.settings):
        until(lambda: spread.get(much[5]).status is Status.COMPLETED)
        little = spread.completed(spread.submit([number for number in range(SHARDS) if number != 3]))
        came, last = min(job.created_at for job in little), max(job.started_at or 0 for job in little)
        starts = [
            job.started_at or 0
            for first in range(0, len(much), 200)
            for job in spread.run(spread.inspector.get_many(much[first : first + 200]))
            if job is not None
        ]
    # In the time in which one job after the other would be run before them.
    assert sum(came <= start <= last for start in starts) < 200


def test_slots_are_never_filled_twice(spread: Spread, tmp_path: Path) -> None:
    ids = spread.submit([secrets.randbelow(SHARDS) for _ in range(120)], {"ms": 30})
    log = tmp_path / "log"
    with started(spread.bench, log, "--concurrency", "6", **spread.settings):
        jobs = spread.completed(ids)
    moments = sorted(
        [(job.started_at or 0, 1) for job in jobs] + [(job.finished_at or 0, -1) for job in jobs], key=lambda each: each
    )
    running = most = 0
    for _, step in moments:
        running += step
        most = max(most, running)
    # What was claimed and not begun counts as running too, for at most a tenth of a second.
    assert most <= 6 + SHARDS
    released = [entry for entry in events(log) if entry["event"] == "job.released"]
    assert len(released) <= len(ids) // 4


@pytest.mark.long
@pytest.mark.parametrize("concurrency", ["3", "30"])
def test_a_master_that_hangs_takes_no_slot_and_no_lease_from_the_others(
    spread: Spread, three_masters: Cluster, tmp_path: Path, concurrency: str
) -> None:
    hung = three_masters.masters[0]
    alive = [
        shard
        for shard in range(SHARDS)
        if three_masters.owner_of(Keys(spread.bench.namespace, shard).named("pages")) is not hung
    ]
    log, lease = tmp_path / "log", {"IRONFORGE_LEASE_MS": "2000"}
    with started(spread.bench, log, "--concurrency", concurrency, **spread.settings, **lease):
        long = spread.submit(alive[:2], {"ms": 6_000})
        until(lambda: told(log, "job.started") == 2)
        hung.process.send_signal(signal.SIGSTOP)
        try:
            seconds = spread.finished_s(spread.submit(alive * 2))
            kept = spread.completed(long)
        finally:
            hung.process.send_signal(signal.SIGCONT)
    assert seconds < 5.0
    assert [len(spread.get(job.id).attempts) for job in kept] == [1, 1]
    assert told(log, "lease.lost") == 0
