"""reap.lua: leases that ran out end by the ladder of losses, unless the store itself was away."""

from __future__ import annotations

import pytest

from jobs.backends.base import MAX_BATCH
from jobs.domain.event import Change
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.stores import LEASE_MS, Bench


def lose(bench: Bench) -> int:
    """Let all leases run out and reap."""
    bench.advance(LEASE_MS + 1)
    return bench.run(bench.maintainer.reap())


def test_a_lease_is_not_ended_before_its_time(bench: Bench) -> None:
    bench.submit()
    bench.lease()
    bench.run(bench.maintainer.reap())
    bench.advance(LEASE_MS // 2)
    assert bench.refused(bench.maintainer.reap()) == 0


def test_a_first_loss_puts_the_job_back_to_its_old_place(bench: Bench) -> None:
    first, second = bench.submit(), bench.submit()
    ready_at = bench.get(first).ready_at
    lease = bench.lease()
    assert lose(bench) == 1
    job = bench.get(first)
    assert (job.status, job.lost_leases, job.retry_count, job.ready_at) == (Status.QUEUED, 1, 0, ready_at)
    assert bench.queue_ids() == [first, second]
    (attempt,) = job.attempts
    assert (attempt.number, attempt.worker_id, attempt.outcome) == (1, "w1", "lost_lease")
    assert attempt.started_at == lease.expires_at - LEASE_MS
    event = bench.last_event()
    assert (event.verb, event.changes, event.at) == ("reap", (Change(first, Status.QUEUED),), attempt.finished_at)
    assert bench.totals()["lost_leases"] == 1
    assert bench.hints() > 0


def test_the_ladder_has_three_steps(bench: Bench) -> None:
    job_id = bench.submit()
    bench.lease()
    lose(bench)
    assert bench.lease().attempt == 2
    lose(bench)
    job = bench.get(job_id)
    assert (job.status, job.reason) == (Status.FAILED, "lost_lease")
    assert job.attempts[-1].finished_at is not None
    assert job.scheduled_for is not None
    assert 10_000 <= job.scheduled_for - job.attempts[-1].finished_at < 20_000
    bench.advance(20_000)
    assert bench.lease().attempt == 3
    lose(bench)
    job = bench.get(job_id)
    assert (job.status, job.reason, job.retry_count, job.lost_leases) == (Status.DEAD_LETTER, "crashed", 0, 3)
    assert [attempt.outcome for attempt in job.attempts] == ["lost_lease"] * 3
    assert bench.totals()["dead:demo.echo"] == 1


def test_failures_between_losses_keep_both_budgets_apart(bench: Bench) -> None:
    job_id = bench.submit(max_retries=1)
    bench.lease()
    lose(bench)
    assert bench.fail(bench.lease()) is Status.FAILED
    bench.advance(2_000)
    bench.lease()
    lose(bench)
    job = bench.get(job_id)
    assert (job.status, job.retry_count, job.lost_leases) == (Status.FAILED, 1, 2)


def test_a_job_that_may_run_once_is_a_dead_letter_at_the_first_loss(bench: Bench) -> None:
    job_id = bench.submit(delivery=Delivery.AT_MOST_ONCE)
    bench.lease()
    lose(bench)
    assert (bench.get(job_id).status, bench.get(job_id).reason) == (Status.DEAD_LETTER, "at_most_once")
    assert bench.claim(10).leases == ()


def test_a_job_that_was_to_be_cancelled_is_cancelled_at_the_first_loss(bench: Bench) -> None:
    job_id = bench.submit()
    bench.lease()
    bench.cancel(job_id, running=True)
    lose(bench)
    assert (bench.get(job_id).status, bench.get(job_id).reason) == (Status.CANCELLED, "cancelled")


def test_a_second_reap_finds_nothing(bench: Bench) -> None:
    bench.submit()
    bench.lease()
    assert lose(bench) == 1
    assert bench.refused(bench.maintainer.reap()) == 0


def test_a_call_ends_at_most_200_leases(bench: Bench) -> None:
    for _ in range(2):
        bench.submit_all([JobSpec(kind="demo.echo")] * 150)
        bench.claim(150)
    bench.run(bench.maintainer.reap())
    assert lose(bench) == MAX_BATCH
    assert bench.run(bench.maintainer.reap()) == 100
    assert bench.depth(Status.QUEUED) == 300


def test_only_the_leases_that_ran_out_end(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 2)
    lost, held = bench.claim(2).leases
    bench.advance(LEASE_MS - 1_000)
    bench.run(bench.consumer.extend([(held.job.id, held.token)], LEASE_MS))
    bench.advance(1_001)
    assert bench.run(bench.maintainer.reap()) == 1
    assert bench.get(lost.job.id).status is Status.QUEUED
    assert bench.get(held.job.id).status is Status.RUNNING


def test_an_entry_whose_job_does_not_run_is_dropped(bench: Bench) -> None:
    job_id = bench.submit()
    bench.client.zadd(bench.keys.index(Status.RUNNING), {job_id: 1, bench.ids.make(): 2})
    assert bench.run(bench.maintainer.reap()) == 2
    assert bench.client.zcard(bench.keys.index(Status.RUNNING)) == 0
    assert bench.get(job_id).status is Status.QUEUED
    assert bench.verbs() == ["submit"]


def restart_of_the_store(bench: Bench) -> None:
    """Make the namespace believe that it last saw another life of the server."""
    bench.client.hset(bench.keys.named("store_life"), "run_id", "0" * 40)


def test_a_namespace_that_was_never_looked_after_has_no_grace(bench: Bench) -> None:
    bench.submit()
    bench.lease()
    assert lose(bench) == 1


def test_after_a_restart_of_the_store_no_lease_ends_for_the_length_of_one(bench: Bench) -> None:
    bench.hold_clock()
    job_id = bench.submit()
    bench.run(bench.maintainer.reap())
    lease = bench.lease()
    restart_of_the_store(bench)
    bench.advance(LEASE_MS + 1)
    assert bench.run(bench.maintainer.reap()) == 0
    bench.advance(4_000)
    assert bench.refused(bench.maintainer.reap()) == 0
    assert bench.run(bench.consumer.extend([(job_id, lease.token)], LEASE_MS)).extended
    bench.advance(7_000)
    assert bench.refused(bench.maintainer.reap()) == 0
    assert bench.settle(lease) is Status.COMPLETED


def test_what_was_not_renewed_in_the_grace_is_lost_after_it(bench: Bench) -> None:
    job_id = bench.submit()
    bench.run(bench.maintainer.reap())
    bench.lease()
    restart_of_the_store(bench)
    bench.advance(LEASE_MS + 1)
    assert bench.run(bench.maintainer.reap()) == 0
    assert lose(bench) == 1
    assert bench.get(job_id).lost_leases == 1
    assert lose(bench) == 0


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_job_settled_in_time_is_never_reaped(bench: Bench, outcome: OutcomeKind) -> None:
    job_id = bench.submit()
    bench.settle(bench.lease(), outcome, delay_ms=3_600_000)
    assert lose(bench) == 0
    assert bench.get(job_id).lost_leases == (outcome is OutcomeKind.CRASHED)
