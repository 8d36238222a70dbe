"""settle.lua: what each outcome makes of a job, and that only the holder of the lease may say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import exceptions as faults

from jobs.backends.base import MAX_BATCH
from jobs.backends.redis.codec import encode_settlement, rows_of
from jobs.domain.backoff import Backoff, Jitter
from jobs.domain.event import Change
from jobs.domain.job import Delivery, JobError, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.stores import LEASE_MS, Bench

NO = JobError("ValueError", "no", "line 1")


def settlement_of(lease: Lease, outcome: OutcomeKind = OutcomeKind.COMPLETED, **more: object) -> Settlement:
    return Settlement(job_id=lease.job.id, token=lease.token, outcome=outcome, **more)  # type: ignore[arg-type]


def wait_ms(bench: Bench, job_id: str) -> int:
    """Return how long a delayed job waits, from the end of its last attempt."""
    job = bench.get(job_id)
    assert job.scheduled_for is not None
    assert job.attempts[-1].finished_at is not None
    return job.scheduled_for - job.attempts[-1].finished_at


def test_a_completed_job_keeps_its_result_and_its_attempt(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    assert bench.settle(lease, result=b'{"a":1}', duration_ms=40) is Status.COMPLETED
    job = bench.get(job_id)
    assert (job.status, job.result) == (Status.COMPLETED, b'{"a":1}')
    assert (job.reason, job.error, job.worker_id) == (None, None, None)
    (attempt,) = job.attempts
    assert (attempt.number, attempt.outcome, attempt.worker_id) == (1, "completed", "w1")
    assert attempt.started_at == job.started_at
    assert attempt.finished_at == job.finished_at == bench.last_event().at
    assert bench.last_event().changes == (Change(job_id, Status.COMPLETED),)
    assert bench.totals()["completed:demo.echo"] == 1
    assert bench.totals()["dur_le:demo.echo:0.05"] == 1
    assert bench.totals()["dur_sum:demo.echo"] == 0.04


def test_a_success_clears_the_error_of_an_earlier_attempt(bench: Bench) -> None:
    job_id = bench.submit()
    bench.settle(bench.lease(), OutcomeKind.FAILED, error=NO)
    assert bench.get(job_id).error == NO
    bench.advance(2_000)
    bench.settle(bench.lease())
    job = bench.get(job_id)
    assert job.error is None
    assert [(a.number, a.outcome, a.error) for a in job.attempts] == [(1, "failed", NO), (2, "completed", None)]


def test_a_failure_waits_exactly_as_the_table_of_the_decision_record_says(bench: Bench) -> None:
    job_id = bench.submit(max_retries=10)
    waits = []
    for retry in range(1, 11):
        assert bench.fail(bench.lease()) is Status.FAILED
        waits.append(wait_ms(bench, job_id))
        assert bench.get(job_id).retry_count == retry
        bench.advance(waits[-1])
    assert waits == [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]
    assert bench.fail(bench.lease()) is Status.DEAD_LETTER
    assert bench.totals()["retried:demo.echo"] == 10
    assert bench.totals()["failed:demo.echo"] == 11


@given(base_ms=st.integers(1, 604_800_000), more_ms=st.integers(0, 604_800_000), count=st.integers(0, 254))
@settings(max_examples=30, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_any_backoff_is_that_of_the_domain_to_the_millisecond(base_ms: int, more_ms: int, count: int) -> None:
    backoff = Backoff(base_ms, max(base_ms, more_ms))
    with Bench() as bench:
        job_id = bench.submit(backoff=backoff, max_retries=255)
        bench.client.hset(bench.keys.named("job_prefix") + job_id, "retry_count", count)
        bench.fail(bench.lease())
        assert wait_ms(bench, job_id) == backoff.delay_ms(count + 1)


@given(chance=st.floats(0, 1, exclude_max=True), base_ms=st.integers(1, 100_000))
@settings(max_examples=30, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_full_jitter_takes_its_share_of_the_plain_delay(chance: float, base_ms: int) -> None:
    with Bench() as bench:
        job_id = bench.submit(backoff=Backoff(base_ms, 300_000, Jitter.FULL))
        batch = rows_of([encode_settlement(settlement_of(bench.lease(), OutcomeKind.FAILED, error=NO), chance)])
        bench.run(replace(bench.consumer.settle([]), args=(batch,), decode=bytes))
        assert wait_ms(bench, job_id) == int(max(1, min(base_ms * 2, 300_000) * chance))


@pytest.mark.parametrize("delay_ms", [0, 1, 90_000_000])
def test_a_retry_may_choose_its_own_wait(bench: Bench, delay_ms: int) -> None:
    job_id = bench.submit()
    assert bench.fail(bench.lease(), delay_ms=delay_ms) is Status.FAILED
    assert wait_ms(bench, job_id) == delay_ms


def test_a_job_out_of_retries_is_a_dead_letter(bench: Bench) -> None:
    job_id = bench.submit(max_retries=1)
    bench.fail(bench.lease())
    bench.advance(2_000)
    assert bench.fail(bench.lease(), delay_ms=5) is Status.DEAD_LETTER
    job = bench.get(job_id)
    assert (job.reason, job.retry_count, len(job.attempts)) == ("retries_exhausted", 1, 2)
    assert job.finished_at == bench.client.zscore(bench.keys.index(Status.DEAD_LETTER), job_id)
    assert bench.totals()["dead:demo.echo"] == 1


@pytest.mark.parametrize("outcome", [OutcomeKind.FAILED, OutcomeKind.DISCARDED])
def test_a_job_that_may_run_once_is_a_dead_letter_after_any_failure(bench: Bench, outcome: OutcomeKind) -> None:
    job_id = bench.submit(delivery=Delivery.AT_MOST_ONCE, max_retries=5)
    assert bench.settle(bench.lease(), outcome, error=NO, delay_ms=1) is Status.DEAD_LETTER
    assert bench.get(job_id).reason == ("at_most_once" if outcome is OutcomeKind.FAILED else "discard")
    assert bench.get(job_id).retry_count == 0


def test_a_discarded_job_is_a_dead_letter_whatever_retries_are_left(bench: Bench) -> None:
    job_id = bench.submit(max_retries=5)
    assert bench.settle(bench.lease(), OutcomeKind.DISCARDED, error=NO) is Status.DEAD_LETTER
    assert (bench.get(job_id).reason, bench.get(job_id).error) == ("discard", NO)


@pytest.mark.parametrize("delay_ms", [0, 30_000])
def test_a_snoozed_job_runs_again_later_and_uses_no_retry(bench: Bench, delay_ms: int) -> None:
    job_id = bench.submit(max_retries=0)
    assert bench.settle(bench.lease(), OutcomeKind.SNOOZED, delay_ms=delay_ms) is Status.SCHEDULED
    job = bench.get(job_id)
    assert (job.reason, job.retry_count, job.attempt) == ("snoozed", 0, 1)
    assert wait_ms(bench, job_id) == delay_ms
    bench.advance(delay_ms)
    assert bench.lease().attempt == 2
    assert bench.get(job_id).reason is None


def test_a_released_job_goes_back_to_its_place_as_if_it_had_not_been_taken(bench: Bench) -> None:
    first, second = bench.submit(), bench.submit()
    before = bench.get(first)
    lease = bench.lease()
    bench.advance(5_000)
    assert bench.settle(lease, OutcomeKind.RELEASED) is Status.QUEUED
    job = bench.get(first)
    assert bench.queue_ids() == [first, second]
    assert (job.attempt, job.attempts, job.ready_at, job.lost_leases) == (0, (), before.ready_at, 0)
    assert bench.totals()["released"] == 1
    assert bench.hints() > 0
    assert bench.lease().attempt == 1


def test_an_unknown_kind_waits_longer_each_time_and_is_given_up_after_the_eighth(bench: Bench) -> None:
    job_id = bench.submit(max_retries=0)
    waits = []
    for _ in range(7):
        claim = bench.claim()
        assert bench.settle(claim.leases[0], OutcomeKind.UNKNOWN_KIND, error=NO) is Status.SCHEDULED
        due = bench.get(job_id).scheduled_for
        assert due is not None
        waits.append(due - bench.last_event().at)
        bench.advance(waits[-1])
    assert waits == [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000]
    assert bench.get(job_id).reason == "unknown_kind"
    assert bench.settle(bench.lease(), OutcomeKind.UNKNOWN_KIND, error=NO) is Status.DEAD_LETTER
    job = bench.get(job_id)
    assert (job.reason, job.attempt, job.attempts, job.error) == ("unknown_kind", 0, (), NO)


ENDINGS = [
    (OutcomeKind.COMPLETED, Status.COMPLETED, "completed"),
    (OutcomeKind.FAILED, Status.CANCELLED, "failed"),
    (OutcomeKind.DISCARDED, Status.CANCELLED, "discarded"),
    (OutcomeKind.SNOOZED, Status.CANCELLED, "snoozed"),
    (OutcomeKind.RELEASED, Status.CANCELLED, "released"),
    (OutcomeKind.UNKNOWN_KIND, Status.CANCELLED, None),
]


@pytest.mark.parametrize(("outcome", "status", "recorded"), ENDINGS)
def test_a_request_to_cancel_wins_over_all_but_completion(
    bench: Bench, outcome: OutcomeKind, status: Status, recorded: str | None
) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    bench.cancel(job_id, running=True)
    assert bench.get(job_id).cancel_requested
    assert bench.settle(lease, outcome, delay_ms=1_000) is status
    job = bench.get(job_id)
    assert (job.reason, job.cancel_requested) == (None if status is Status.COMPLETED else "cancelled", False)
    assert [attempt.outcome for attempt in job.attempts] == ([recorded] if recorded else [])
    assert bench.queue_ids() == []


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_repeated_settlement_answers_alike_and_changes_nothing(bench: Bench, outcome: OutcomeKind) -> None:
    bench.submit()
    call = bench.consumer.settle([settlement_of(bench.lease(), outcome, error=NO, delay_ms=1_000)])
    (settled,) = bench.twice(call)
    assert not settled.is_lost


def test_a_repeat_answers_alike_even_when_the_job_runs_again(bench: Bench) -> None:
    bench.submit()
    call = bench.consumer.settle([settlement_of(bench.lease(), OutcomeKind.RELEASED)])
    first = bench.run(call)
    bench.lease(worker="w2")
    assert bench.refused(call) == first


def test_a_settlement_twice_in_a_batch_counts_once(bench: Bench) -> None:
    bench.submit()
    settlement = settlement_of(bench.lease())
    first, second = bench.run(bench.consumer.settle([settlement, settlement]))
    assert first == second
    assert bench.totals()["completed:demo.echo"] == 1


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_lost_lease_cannot_settle(bench: Bench, outcome: OutcomeKind) -> None:
    job_id = bench.submit()
    lost = bench.lease()
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    held = bench.lease(worker="w2")
    before = bench.raw(job_id)
    assert bench.settle(lost, outcome, result=b"1", error=NO, delay_ms=1) is None
    assert bench.raw(job_id) == before
    assert bench.totals()["stale_settles"] == 1
    assert bench.settle(held) is Status.COMPLETED
    assert bench.settle(lost, outcome, error=NO) is None
    assert bench.get(job_id).status is Status.COMPLETED


def test_a_job_that_does_not_exist_is_lost(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    (settled,) = bench.run(bench.consumer.settle([replace_id(lease, bench.ids.make())]))
    assert settled.is_lost
    assert bench.get(lease.job.id).status is Status.RUNNING


def replace_id(lease: Lease, job_id: str) -> Settlement:
    return Settlement(job_id=job_id, token=lease.token, outcome=OutcomeKind.COMPLETED)


def test_a_batch_is_one_event_and_at_most_200(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * MAX_BATCH)
    settlements = [settlement_of(lease) for lease in bench.claim(MAX_BATCH).leases]
    assert len(bench.run(bench.consumer.settle(settlements))) == MAX_BATCH
    assert bench.verbs() == ["submit", "claim", "settle"]
    assert len(bench.last_event().changes) == MAX_BATCH
    with pytest.raises(ValueError, match="at most 200"):
        bench.consumer.settle([*settlements, settlements[0]])


@pytest.mark.parametrize("broken", range(11))
def test_a_malformed_settlement_refuses_the_batch_before_anything_is_written(bench: Bench, broken: int) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * 2)
    failed = {"outcome": OutcomeKind.FAILED, "error": JobError("ValueError", "no")}
    batch = [encode_settlement(settlement_of(lease, **failed), 0.5) for lease in bench.claim(2).leases]  # type: ignore[arg-type]
    entry = batch[1] if broken < 6 else batch[1][5]
    assert isinstance(entry, list)
    entry[broken % 6] = 7 if broken in (0, 1, 2, 4, 5) else "" if broken == 3 else None
    before = bench.contents()
    with pytest.raises(faults.ResponseError, match="malformed"):
        bench.run(replace(bench.consumer.settle([]), args=(rows_of(batch),)))
    assert bench.contents() == before


def test_the_oldest_attempts_beyond_fifty_are_dropped(bench: Bench) -> None:
    job_id = bench.submit()
    for _ in range(53):
        bench.settle(bench.lease(), OutcomeKind.SNOOZED, delay_ms=0)
    numbers = [attempt.number for attempt in bench.get(job_id).attempts]
    assert numbers == list(range(4, 54))


def test_a_worker_may_have_any_name(bench: Bench) -> None:
    name = "front end 2 <b>"
    job_id = bench.submit()
    lease = bench.lease(worker=name)
    assert bench.get(job_id).worker_id == name
    assert bench.fail(lease) is Status.FAILED
    assert [attempt.worker_id for attempt in bench.get(job_id).attempts] == [name]
