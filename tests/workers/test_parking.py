"""The claim of an idle worker that waits in the store: it starts jobs, and none is lost or held when its way breaks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from pytest_django import Settings

from jobs.backends.redis.embedded.address import locate
from jobs.backends.redis.wake import RedisWake
from jobs.conf import conf
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.status import Status
from tests.stores import BY, Bench
from tests.waiting import until
from tests.workers.test_worker import SleepyRunner, ended, working
from workers.parking import Parking
from workers.process import WorkerProcess
from workers.registry import Registry

STANDS_S = 40.0


@pytest.fixture
def admin(bench: Bench) -> Iterator[redis.Redis]:
    """Return a client that may look at other clients; each test process has a store of its own."""
    client = redis.Redis.from_url(locate(conf().data_dir).admin_url)
    yield client
    client.close()


def parked(admin: redis.Redis) -> list[dict[str, Any]]:
    return [each for each in admin.client_list() if "b" in each["flags"] and each["cmd"] == "blpop"]  # type: ignore[union-attr]


def has_cut_one(admin: redis.Redis) -> bool:
    """Cut the connection of a claim that waits now; one may have had its time just before."""
    found = parked(admin)
    return bool(found) and bool(admin.client_kill_filter(_id=found[0]["id"]))


def is_parked(admin: redis.Redis, workers: int = 1) -> bool:
    return len(parked(admin)) == workers


def test_a_job_is_run_by_the_claim_that_waits_for_it(
    bench: Bench, registry: Registry, admin: redis.Redis, prompt: None
) -> None:
    with working(bench, registry):
        until(lambda: is_parked(admin))
        claims = bench.verbs().count("claim")
        job = ended(bench, bench.submit("echo"), Status.COMPLETED)
        assert len(job.attempts) == 1
        assert bench.verbs().count("claim") == claims + 1


def test_a_worker_that_runs_a_job_waits_for_the_next(bench: Bench, registry: Registry, admin: redis.Redis) -> None:
    with working(bench, registry, grace_s=0.1):
        ended(bench, bench.submit("endless"), Status.RUNNING)
        until(lambda: is_parked(admin))
        ended(bench, bench.submit("thread"), Status.COMPLETED)


def test_a_batch_for_an_idle_worker_is_run_whole(bench: Bench, registry: Registry, admin: redis.Redis) -> None:
    with working(bench, registry, concurrency=20):
        until(lambda: is_parked(admin))
        ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="echo")] * 100)]
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in ids))
    assert {len(bench.get(job_id).attempts) for job_id in ids} == {1}


def test_a_job_that_may_run_once_is_left_by_the_waiting_claim_and_run_by_the_next(
    bench: Bench, registry: Registry, admin: redis.Redis
) -> None:
    with working(bench, registry):
        until(lambda: is_parked(admin))
        ended(bench, bench.submit("echo", delivery=Delivery.AT_MOST_ONCE), Status.COMPLETED)


def test_a_full_worker_waits_for_nothing(bench: Bench, registry: Registry, admin: redis.Redis) -> None:
    with working(bench, registry, concurrency=1, grace_s=0.1):
        until(lambda: is_parked(admin))
        ended(bench, bench.submit("endless"), Status.RUNNING)
        bench.submit("echo")
        until(lambda: is_parked(admin, 0))
        assert bench.depth(Status.QUEUED) == 1


def test_jobs_that_fall_due_within_a_poll_are_run_in_time(bench: Bench, registry: Registry, admin: redis.Redis) -> None:
    with working(bench, registry):
        until(lambda: is_parked(admin))

        def is_one_in_time() -> bool:
            # The worker learns of it with the job that it runs in between.
            due = int(time.time() * 1000) + 400
            job_id = bench.submit("echo", scheduled_for=due)
            ended(bench, bench.submit("echo"), Status.COMPLETED)
            job = ended(bench, job_id, Status.COMPLETED)
            assert job.started_at is not None
            return job.started_at - due < 60

        # A worker that only polled would be half a second late each time.
        until(is_one_in_time)


def test_a_paused_queue_is_left_alone_until_it_is_resumed(bench: Bench, registry: Registry, admin: redis.Redis) -> None:
    with working(bench, registry):
        until(lambda: is_parked(admin))
        bench.run(bench.operator.pause("main", by=BY, reason=""))
        job_id = bench.submit("echo")
        before = parked(admin)
        until(lambda: is_parked(admin) and parked(admin) != before)
        assert bench.get(job_id).status is Status.QUEUED
        bench.run(bench.operator.resume("main", by=BY))
        ended(bench, job_id, Status.COMPLETED)


def test_several_workers_share_what_comes_and_run_it_once(bench: Bench, registry: Registry, admin: redis.Redis) -> None:
    with working(bench, registry), working(bench, registry), working(bench, registry):
        until(lambda: is_parked(admin, 3))
        ids = [bench.submit("echo") for _ in range(60)]
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in ids))
        jobs = [bench.get(job_id) for job_id in ids]
    assert {len(job.attempts) for job in jobs} == {1}
    assert len({job.attempts[0].worker_id for job in jobs}) > 1


def test_a_stop_does_not_wait_for_a_hint_and_takes_nothing_more(
    bench: Bench, registry: Registry, admin: redis.Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A claim that waits for so long that nobody takes the end of its wait for that of the worker.
    settings.IRONFORGE_LEASE_MS = 600_000
    monkeypatch.setattr("workers.exchange.POLL_S", STANDS_S)
    monkeypatch.setattr("jobs.backends.redis.wake.MAX_WAIT_S", STANDS_S)
    with working(bench, registry) as worker:
        until(lambda: is_parked(admin))
        stopped_at = time.monotonic()
        worker.ask_to_stop_from_outside()
        until(lambda: is_parked(admin, 0))
        assert time.monotonic() - stopped_at < STANDS_S / 2
        job_id = bench.submit("echo")
    assert bench.get(job_id).status is Status.QUEUED
    assert bench.hints() > 0


def test_a_stop_in_the_moment_in_which_a_claim_is_parked_is_heard(
    bench: Bench, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    park, known, stopped = Parking.park, threading.Event(), threading.Event()
    workers: list[WorkerProcess] = []

    def park_and_stop(parking: Parking, *args: Any) -> None:
        park(parking, *args)
        # Before the claim's task has made its first step.
        assert known.wait(50)
        workers[0]._lanes.stop()
        stopped.set()

    monkeypatch.setattr(Parking, "park", park_and_stop)
    with working(bench, registry, grace_s=STANDS_S) as worker:
        workers.append(worker)
        known.set()
        assert stopped.wait(50)
        asked_at = time.monotonic()
    assert time.monotonic() - asked_at < STANDS_S / 2


def test_a_job_that_comes_while_the_worker_leaves_is_given_back(
    bench: Bench, registry: Registry, admin: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The claim is carried out, but its answer comes when nobody waits for it any more.
    monkeypatch.setattr(RedisWake, "wait", answered_too_late(RedisWake.wait))
    with working(bench, registry) as worker:
        until(lambda: is_parked(admin))
        job_id = bench.submit("echo")
        ended(bench, job_id, Status.RUNNING)
        worker.ask_to_stop_from_outside()
    job = bench.get(job_id)
    assert (job.status, job.attempt, bench.totals()["released"]) == (Status.QUEUED, 0, 1)


def test_an_answer_that_is_lost_is_asked_for_and_its_job_run_once(
    bench: Bench, registry: Registry, admin: redis.Redis, sleepy: None
) -> None:
    with working(bench, registry):
        until(lambda: is_parked(admin))
        SleepyRunner.lost_replies.append("claim")
        jobs = [ended(bench, bench.submit("echo"), Status.COMPLETED) for _ in range(3)]
        assert SleepyRunner.lost_replies == []
    assert {(job.attempt, job.lost_leases) for job in jobs} == {(1, 0)}


def test_a_connection_that_is_cut_is_made_anew_and_no_job_waits_for_long(
    bench: Bench, registry: Registry, admin: redis.Redis
) -> None:
    with working(bench, registry):
        for _ in range(3):
            until(lambda: has_cut_one(admin))
            job = ended(bench, bench.submit("echo"), Status.COMPLETED)
            assert (job.attempt, job.lost_leases) == (1, 0)


def test_an_answer_that_cannot_be_read_is_told_and_the_worker_goes_on(
    bench: Bench,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(self: RedisWake, *_: object) -> object:
        await asyncio.sleep(0.01)
        raise ValueError("no msgpack")

    monkeypatch.setattr(RedisWake, "wait", broken)
    with caplog.at_level(logging.ERROR, "ironforge.worker"), working(bench, registry):
        ended(bench, bench.submit("echo"), Status.COMPLETED)
        ended(bench, bench.submit("echo"), Status.COMPLETED)
    assert {record.msg for record in caplog.records} == {"loop.crashed"}


def answered_too_late(wait: Any) -> Any:
    async def late(self: RedisWake, *args: Any) -> Any:
        answer = await wait(self, *args)
        if answer[1].leases:
            await asyncio.Event().wait()
        return answer

    return late
