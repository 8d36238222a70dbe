"""A worker that is known to be dead: its jobs need not wait until their leases run out."""

from __future__ import annotations

from jobs.domain.job import Delivery, JobSpec
from jobs.domain.status import Status
from tests.stores import BY, Bench

HOW = "SIGKILL, at most 48 MiB"


def lose(bench: Bench, worker: str = "w1") -> int:
    ended, first = 0, 0
    while first >= 0:
        first, some = bench.run(bench.maintainer.lose_worker(worker, HOW, first))
        ended += some
    return ended


def test_its_jobs_are_ready_again_at_once_and_those_of_others_go_on(bench: Bench) -> None:
    mine, others = bench.submit(), bench.submit()
    bench.lease(worker="w1")
    lease = bench.lease(worker="w2")
    assert lose(bench) == 1
    job = bench.get(mine)
    assert (job.status, job.lost_leases, bench.get(others).status) == (Status.QUEUED, 1, Status.RUNNING)
    (attempt,) = job.attempts
    assert (attempt.outcome, attempt.worker_id) == ("lost_lease", "w1")
    assert attempt.error is not None
    assert (attempt.error.type, attempt.error.message) == ("worker_crashed", HOW)
    assert bench.settle(lease) is Status.COMPLETED
    assert lose(bench) == 0


def test_what_the_dead_still_says_changes_nothing(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease(worker="w1")
    lose(bench)
    assert bench.settle(lease) is None
    assert bench.totals()["stale_settles"] == 1


def test_a_poison_pill_is_a_dead_letter_after_three_crashes_with_what_is_known(bench: Bench) -> None:
    job_id = bench.submit(max_retries=20)
    for _ in range(3):
        bench.lease(worker="w1")
        assert lose(bench) == 1
        bench.advance(20_001)
    job = bench.get(job_id)
    assert (job.status, job.reason, job.attempt) == (Status.DEAD_LETTER, "crashed", 3)
    assert job.error is not None
    assert (job.error.type, job.error.message) == ("worker_crashed", HOW)


def test_what_may_run_once_does_not_run_again_and_a_requested_cancel_is_final(bench: Bench) -> None:
    once, unwanted = bench.submit(delivery=Delivery.AT_MOST_ONCE), bench.submit()
    bench.claim(2, worker="w1")
    bench.run(bench.operator.cancel([unwanted], "r", running=True, by=BY))
    assert lose(bench) == 2
    assert (bench.get(once).status, bench.get(once).reason) == (Status.DEAD_LETTER, "at_most_once")
    assert bench.get(unwanted).status is Status.CANCELLED


def test_leases_among_many_are_found(bench: Bench) -> None:
    for _ in range(3):
        bench.submit_all([JobSpec(kind="demo.echo")] * 200)
        bench.claim(150, worker="w2")
        bench.claim(50, worker="w1")
    assert lose(bench) == 150


def test_jobs_that_were_lost_together_come_back_at_times_of_their_own(bench: Bench) -> None:
    """So that those beside a job that kills its worker do not share its third crash."""
    ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="demo.echo")] * 20)]
    for _ in range(2):
        bench.claim(20, worker="w1")
        lose(bench)
    due = {bench.get(job_id).scheduled_for for job_id in ids}
    times = [moment for moment in due if moment is not None]
    assert len(times) >= 15
    assert max(times) - min(times) > 3_000
