"""A whole worker on the real store, in a thread of the test; the store's failures by a wrapper around its runner."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

import pytest

from jobs.backends.call import Call
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from workers.options import WorkerOptions
from workers.process import WorkerProcess
from workers.registry import Registry

T = TypeVar("T")

# A worker may take its grace, what it owes the store, and the pace of a busy machine.
ENDS_S = 60.0
# For tests that wait for what a heartbeat brings. Their leases are as long as ever: a short one would be lost to a
# machine that stands still for a moment.
BEAT_S = 0.3


class SleepyRunner:
    """The real runner; while `is_asleep` its calls do not arrive, and `lost_replies` calls arrive without an answer."""

    is_asleep = threading.Event()
    lost_replies: list[str] = []

    def __init__(self, runner: SyncRunner) -> None:
        self._runner = runner

    def run(self, call: Call[T]) -> T:
        return self.run_many([call])[0]

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        if self.is_asleep.is_set():
            raise BackendUnavailable("asleep")
        answers = self._runner.run_many(calls)
        for call in calls:
            if call.script in self.lost_replies:
                self.lost_replies.remove(call.script)
                raise BackendUnavailable("the reply was lost")
        return answers

    def close(self) -> None:
        self._runner.close()


class SleepyChannel(Channel):
    """The same for the channel of the event loop."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel._connect)

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        if SleepyRunner.is_asleep.is_set():
            raise BackendUnavailable("asleep")
        answers = await super().run_many(calls)
        self._lose(calls)
        return answers

    async def run_after_pop(self, keys: Sequence[str], timeout_s: float, call: Call[T]) -> tuple[bool, T]:
        if SleepyRunner.is_asleep.is_set():
            raise BackendUnavailable("asleep")
        answer = await super().run_after_pop(keys, timeout_s, call)
        if SleepyRunner.is_asleep.is_set():
            raise BackendUnavailable("asleep")
        self._lose([call])
        return answer

    def _lose(self, calls: Sequence[Call[T]]) -> None:
        for call in calls:
            if call.script in SleepyRunner.lost_replies:
                SleepyRunner.lost_replies.remove(call.script)
                raise BackendUnavailable("the reply was lost")


@contextmanager
def working(
    bench: Bench, registry: Registry, *, concurrency: int = 4, grace_s: float = 5, beat_s: float | None = None
) -> Iterator[WorkerProcess]:
    """Run a worker until the block ends; with `beat_s` its heartbeats come as often, however long its leases are."""
    options = WorkerOptions(bench.namespace, ("main",), concurrency, grace_s, 1)
    worker = WorkerProcess(options, registry)
    if beat_s is not None:
        worker._beats._interval_s = beat_s
    thread = threading.Thread(target=worker.run, kwargs={"has_signals": False})
    thread.start()
    try:
        yield worker
    finally:
        with suppress(RuntimeError):  # it has stopped already
            worker.ask_to_stop_from_outside()
        thread.join(ENDS_S)
        assert not thread.is_alive()


def ended(bench: Bench, job_id: str, status: Status) -> Job:
    """Return a job as it is when it has that status: it may move on at once."""
    seen: list[Job] = []

    def is_there() -> bool:
        seen[:] = [bench.get(job_id)]
        return seen[0].status is status

    until(is_there)
    return seen[0]


def test_jobs_run_on_the_loop_and_in_threads(bench: Bench, registry: Registry) -> None:
    with working(bench, registry):
        job = ended(bench, bench.submit("echo", payload=b'{"a":1}'), Status.COMPLETED)
        assert job.result == b'{"a":1}'
        in_thread = ended(bench, bench.submit("thread"), Status.COMPLETED)
        assert in_thread.result is not None
        assert b"ironforge-handler" in in_thread.result
        until(lambda: bool(bench.run(bench.inspector.workers())))
    assert bench.run(bench.inspector.workers()) == []


def test_an_idle_worker_starts_a_new_job_within_milliseconds(bench: Bench, registry: Registry) -> None:
    with working(bench, registry):
        ended(bench, bench.submit("echo"), Status.COMPLETED)

        def is_started_at_once() -> bool:
            job = ended(bench, bench.submit("echo"), Status.COMPLETED)
            assert job.started_at is not None
            return job.started_at - job.created_at < 50

        # A worker that only polled would be late with each of them; a busy machine is with some.
        until(is_started_at_once)


def test_a_flood_is_worked_off_in_batches_and_nothing_is_run_twice(bench: Bench, registry: Registry) -> None:
    ids = [bench.submit("echo") for _ in range(500)]
    with working(bench, registry, concurrency=20):
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in ids))
    assert {len(bench.get(job_id).attempts) for job_id in ids} == {1}


def test_a_worker_takes_no_more_than_it_can_run_now(bench: Bench, registry: Registry, prompt: None) -> None:
    ids = [bench.submit("endless") for _ in range(10)]
    with working(bench, registry, concurrency=2, grace_s=0.1):
        until(lambda: sum(bench.get(job_id).status is Status.RUNNING for job_id in ids) == 2)
    assert bench.totals()["released"] == 2
    assert {bench.get(job_id).attempt for job_id in ids} == {0}


def test_verdicts_reach_the_store(bench: Bench, registry: Registry) -> None:
    with working(bench, registry):
        assert ended(bench, bench.submit("discard"), Status.DEAD_LETTER).reason == "discard"
        assert ended(bench, bench.submit("snooze"), Status.SCHEDULED).retry_count == 0
        assert ended(bench, bench.submit("nobody.knows"), Status.SCHEDULED).reason == "unknown_kind"


def test_a_stop_gives_running_jobs_back_without_using_an_attempt(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, grace_s=0.1):
        job_id = bench.submit("endless")
        ended(bench, job_id, Status.RUNNING)
    job = bench.get(job_id)
    assert (job.status, job.attempt, job.retry_count) == (Status.QUEUED, 0, 0)


def test_a_running_job_that_is_cancelled_stops(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, beat_s=BEAT_S):
        job_id = bench.submit("endless")
        ended(bench, job_id, Status.RUNNING)
        bench.run(bench.operator.cancel([job_id], "r1", running=True, by="test"))
        assert ended(bench, job_id, Status.CANCELLED).reason == "cancelled"


def test_a_lost_lease_stops_the_handler_and_frees_the_slot(
    bench: Bench, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "ironforge.worker"), working(bench, registry, concurrency=1, beat_s=BEAT_S):
        job_id = bench.submit("endless", max_retries=0)
        ended(bench, job_id, Status.RUNNING)
        bench.client.hset(bench.keys.named("job_prefix") + job_id, "lease", "another w2 4")
        until(lambda: any(record.msg == "lease.lost" for record in caplog.records))
        ended(bench, bench.submit("echo"), Status.COMPLETED)


def test_outcomes_survive_an_outage_and_work_resumes(
    bench: Bench, registry: Registry, caplog: pytest.LogCaptureFixture, sleepy: None
) -> None:
    with caplog.at_level(logging.INFO, "ironforge.worker"), working(bench, registry):
        ended(bench, bench.submit("echo"), Status.COMPLETED)
        SleepyRunner.is_asleep.set()
        job_id = bench.submit("echo")
        until(lambda: any(record.msg == "store.away" for record in caplog.records))
        SleepyRunner.is_asleep.clear()
        ended(bench, job_id, Status.COMPLETED)
    told = [record.msg for record in caplog.records]
    assert told.count("store.away") == told.count("store.back") == 1


def test_a_repeated_claim_and_a_repeated_settlement_change_nothing_more(
    bench: Bench, registry: Registry, sleepy: None
) -> None:
    SleepyRunner.lost_replies.extend(["claim", "settle", "claim"])
    ids = [bench.submit("echo") for _ in range(5)]
    with working(bench, registry):
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in ids))
    assert SleepyRunner.lost_replies == []
    assert {bench.get(job_id).attempt for job_id in ids} == {1}
