"""settle.lua on the outcome `crashed`: the job killed its process, and its worker lives to tell."""

from __future__ import annotations

from jobs.domain.job import Delivery, JobError
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.backends.test_settle import NO, settlement_of, wait_ms
from tests.stores import LEASE_MS, Bench


def test_a_job_that_kills_its_process_is_a_dead_letter_after_the_third_time(bench: Bench) -> None:
    job_id = bench.submit(max_retries=0)
    died = JobError("worker_crashed", "killed by SIGKILL")
    crashed = [Status.QUEUED, Status.FAILED, Status.DEAD_LETTER]
    for status in crashed:
        lease = bench.lease()
        settlement = settlement_of(lease, OutcomeKind.CRASHED, error=died, duration_ms=40)
        (settled,) = bench.twice(bench.consumer.settle([settlement]))
        assert settled.status is status
        if status is Status.FAILED:
            assert bench.get(job_id).reason == "crashed"
            assert 10_000 <= wait_ms(bench, job_id) < 20_000
            bench.advance(20_000)
    job = bench.get(job_id)
    assert (job.reason, job.retry_count, job.lost_leases, job.error) == ("crashed", 0, 3, died)
    assert [(attempt.outcome, attempt.error) for attempt in job.attempts] == [("crashed", died)] * 3
    totals = bench.totals()
    assert (totals["failed:demo.echo"], totals.get("lost_leases", 0), totals["dead:demo.echo"]) == (3, 0, 1)


def test_a_lost_lease_counts_with_the_crashes(bench: Bench) -> None:
    job_id = bench.submit()
    bench.settle(bench.lease(), OutcomeKind.CRASHED, error=NO)
    bench.lease()
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    bench.advance(20_000)
    assert bench.settle(bench.lease(), OutcomeKind.CRASHED, error=NO) is Status.DEAD_LETTER
    assert (bench.get(job_id).reason, bench.get(job_id).lost_leases) == ("crashed", 3)


def test_a_crash_is_the_end_of_what_was_cancelled_or_may_run_once(bench: Bench) -> None:
    bench.submit(delivery=Delivery.AT_MOST_ONCE)
    assert bench.settle(bench.lease(), OutcomeKind.CRASHED, error=NO) is Status.DEAD_LETTER
    unwanted = bench.submit()
    lease = bench.lease()
    bench.cancel(unwanted, running=True)
    assert bench.settle(lease, OutcomeKind.CRASHED, error=NO) is Status.CANCELLED
