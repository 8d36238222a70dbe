"""retry.lua: dead letters go back to their queue, with both budgets afresh and their history kept."""

from __future__ import annotations

import pytest

from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.domain.event import Change
from jobs.domain.job import JobError, JobSpec, NewPayload
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.backends.situations import CANCELLABLE, in_status
from tests.stores import BY, LEASE_MS, Bench


def retried(bench: Bench, job_id: str, request_id: str = "r1", payload: bytes | None = None) -> Acted:
    (acted,) = bench.twice(bench.operator.retry([job_id], request_id, by=BY, payload=payload and NewPayload(payload)))
    return acted


def test_a_dead_letter_is_ready_now_with_its_attempts_on_record(bench: Bench) -> None:
    job_id = bench.dead_letter(payload=b"[1]")
    bench.advance(60_000)
    first = bench.submit()
    assert retried(bench, job_id) == Acted(job_id, ActCode.DONE, Status.QUEUED)
    job = bench.get(job_id)
    assert (job.status, job.retry_count, job.reason, job.finished_at) == (Status.QUEUED, 0, None, None)
    assert (job.payload, [attempt.outcome for attempt in job.attempts]) == (b"[1]", ["failed"])
    assert bench.queue_ids() == [first, job_id]
    event = bench.last_event()
    assert (event.verb, event.changes, event.at) == ("retry", (Change(job_id, Status.QUEUED),), job.ready_at)
    assert bench.totals()["reinjected"] == 1
    assert bench.hints() > 0


def test_its_next_run_is_the_next_attempt(bench: Bench) -> None:
    job_id = bench.dead_letter()
    retried(bench, job_id)
    lease = bench.lease()
    assert (lease.attempt, lease.job.retry_count) == (2, 0)
    bench.settle(lease)
    job = bench.get(job_id)
    assert [(attempt.number, attempt.outcome) for attempt in job.attempts] == [(1, "failed"), (2, "completed")]


def test_all_retries_are_there_again(bench: Bench) -> None:
    job_id = bench.submit(max_retries=1)
    for status in (Status.FAILED, Status.DEAD_LETTER):
        assert bench.fail(bench.lease()) is status
        bench.advance(10_000)
    retried(bench, job_id)
    assert bench.fail(bench.lease()) is Status.FAILED


def test_lost_leases_and_unknown_kinds_are_counted_afresh(bench: Bench) -> None:
    job_id = bench.submit()
    bench.client.hset(bench.keys.named("job_prefix") + job_id, mapping={"lost_leases": 2, "unknown_kinds": 7})
    bench.lease()
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    assert bench.get(job_id).reason == "crashed"
    retried(bench, job_id)
    assert bench.get(job_id).lost_leases == 0
    assert bench.settle(bench.lease(), OutcomeKind.UNKNOWN_KIND) is Status.SCHEDULED


def test_one_dead_letter_may_get_another_payload(bench: Bench) -> None:
    job_id = bench.dead_letter(payload=b"1")
    retried(bench, job_id, payload=b'{"fixed":true}')
    assert bench.get(job_id).payload == bench.lease().job.payload == b'{"fixed":true}'


def test_a_payload_for_several_jobs_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="one job at a time"):
        bench.operator.retry([bench.ids.make(), bench.ids.make()], "r1", by=BY, payload=NewPayload(b"1"))


@pytest.mark.parametrize("status", [*CANCELLABLE, Status.RUNNING, Status.COMPLETED, Status.CANCELLED])
def test_only_a_dead_letter_can_be_re_injected(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    (acted,) = bench.refused(bench.operator.retry([job_id], "r1", by=BY, payload=NewPayload(b"9")))
    assert acted == Acted(job_id, ActCode.CONFLICT, status)


def test_a_job_that_does_not_exist_is_not_found(bench: Bench) -> None:
    job_id = bench.ids.make()
    assert bench.refused(bench.operator.retry([job_id], "r1", by=BY)) == [Acted(job_id, ActCode.NOT_FOUND, None)]


def test_a_re_injected_job_is_not_under_an_old_request_to_cancel(bench: Bench) -> None:
    job_id = bench.dead_letter()
    retried(bench, job_id)
    lease = bench.lease()
    assert not bench.get(job_id).cancel_requested
    assert bench.fail(lease) is Status.DEAD_LETTER


def test_a_repeat_answers_alike_after_the_job_ran_again(bench: Bench) -> None:
    job_id = bench.dead_letter()
    call = bench.operator.retry([job_id], "r1", by=BY)
    first = bench.run(call)
    assert bench.fail(bench.lease()) is Status.DEAD_LETTER
    assert bench.refused(call) == first


def test_a_re_injected_job_keeps_its_priority_and_its_queue(bench: Bench) -> None:
    job_id = bench.dead_letter(queue="mail", priority=Priority.LOW)
    high = bench.submit(queue="mail", priority=Priority.HIGH)
    retried(bench, job_id)
    assert bench.queue_ids("mail") == [high, job_id]


def test_no_hint_is_left_while_the_queue_is_paused(bench: Bench) -> None:
    job_id = bench.dead_letter()
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    retried(bench, job_id)
    assert bench.hints() == 0


def test_a_batch_of_200_is_one_event(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo", max_retries=0)] * MAX_BATCH)
    failed = [
        Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.FAILED, error=JobError("E"))
        for lease in bench.claim(MAX_BATCH).leases
    ]
    bench.run(bench.consumer.settle(failed))
    ids = [settlement.job_id for settlement in failed]
    answers = bench.twice(bench.operator.retry(ids, "r1", by=BY))
    assert {answer.code for answer in answers} == {ActCode.DONE}
    assert bench.verbs() == ["submit", "claim", "settle", "retry"]
    with pytest.raises(ValueError, match="at most 200"):
        bench.operator.retry([*ids, bench.ids.make()], "r2", by=BY)
