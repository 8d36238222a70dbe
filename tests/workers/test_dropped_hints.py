"""Hints never arrive: they only make work quicker, so jobs start all the same, within a poll."""

from __future__ import annotations

import pytest

from jobs.backends.base import Submission
from jobs.backends.redis.runner import call_parts
from jobs.domain.job import Job, JobSpec
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import ended, working
from workers import Context, handler
from workers.exchange import POLL_S
from workers.registry import Registry

# What a busy machine may take on top, and one that stands still in the middle. Without polls a job would wait for ever.
SLACK_S, STALL_S = 1.0, 8.0


@pytest.fixture
def registry() -> Registry:
    """Return a handler that ends at once."""
    made = Registry()

    @handler("echo", into=made)
    async def echo(context: Context, payload: object) -> object:
        return payload

    return made


def submit_unnoticed(bench: Bench, delay_ms: int = 0) -> str:
    """Store a job and take its hint back before anybody who waits for one is served: both in one transaction."""
    scheduled_for = bench.now() + delay_ms if delay_ms else None
    made = Submission(bench.ids.make(), JobSpec(kind="echo", scheduled_for=scheduled_for))
    script, rest = call_parts(bench.producer.submit([made]), has_test_clock=True)
    transaction = bench.client.pipeline(transaction=True)
    transaction.eval(script.text, *rest)
    transaction.delete(bench.keys.wake("main"))
    transaction.execute()
    return made.job_id


def waited_s(job: Job, delay_ms: int) -> float:
    assert job.started_at is not None
    return (job.started_at - job.created_at - delay_ms) / 1000


@pytest.mark.parametrize("jobs", [2, pytest.param(60, marks=pytest.mark.long)])
def test_without_any_hint_jobs_start_within_a_poll(bench: Bench, registry: Registry, jobs: int) -> None:
    with working(bench, registry):
        ended(bench, bench.submit("echo"), Status.COMPLETED)
        waits: list[float] = []

        def is_one_in_time() -> bool:
            delay_ms = 300 * (len(waits) % 2)
            waits.append(waited_s(ended(bench, submit_unnoticed(bench, delay_ms), Status.COMPLETED), delay_ms))
            return len(waits) >= jobs and min(waits) < POLL_S + SLACK_S

        until(is_one_in_time)
    assert min(waits) >= 0
    assert max(waits) < POLL_S + STALL_S


def test_many_jobs_without_a_hint_all_run_in_one_poll(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, concurrency=2):
        ended(bench, bench.submit("echo"), Status.COMPLETED)
        ids = [submit_unnoticed(bench) for _ in range(50)]
        until(lambda: bench.depth(Status.COMPLETED) == len(ids) + 1)
        # With two of them in each poll the last would wait for more than twenty.
        assert max(waited_s(bench.get(job_id), 0) for job_id in ids) < POLL_S + STALL_S
