"""cancel.lua: jobs that wait are cancelled, running ones are asked to stop, dead letters are discarded."""

from __future__ import annotations

import pytest

from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.domain.event import Change
from jobs.domain.job import JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.backends.situations import CANCELLABLE, in_status
from tests.stores import BY, Bench


def cancelled(bench: Bench, job_id: str, request_id: str = "r1", *, running: bool = False) -> Acted:
    (acted,) = bench.twice(bench.operator.cancel([job_id], request_id, running=running, by=BY))
    return acted


def discarded(bench: Bench, job_id: str, request_id: str = "r1") -> Acted:
    (acted,) = bench.twice(bench.operator.discard([job_id], request_id, by=BY))
    return acted


@pytest.mark.parametrize("status", CANCELLABLE)
@pytest.mark.parametrize("running", [False, True])
def test_a_job_that_waits_is_cancelled_once(bench: Bench, status: Status, running: bool) -> None:
    job_id = in_status(bench, status)
    assert cancelled(bench, job_id, running=running) == Acted(job_id, ActCode.DONE, Status.CANCELLED)
    job = bench.get(job_id)
    assert (job.status, job.reason, job.cancel_requested) == (Status.CANCELLED, "cancelled", False)
    assert job.finished_at == bench.client.zscore(bench.keys.index(Status.CANCELLED), job_id)
    assert bench.raw(job_id)["cancel_by"] == BY.encode()
    assert bench.totals()["cancelled"] == 1
    event = bench.last_event()
    assert (event.verb, event.changes) == ("cancel", (Change(job_id, Status.CANCELLED),))


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.DEAD_LETTER, Status.RUNNING])
def test_what_has_ended_or_runs_is_a_conflict(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    (acted,) = bench.refused(bench.operator.cancel([job_id], "r1", running=False, by=BY))
    assert acted == Acted(job_id, ActCode.CONFLICT, status)


def test_a_job_that_does_not_exist_is_not_found(bench: Bench) -> None:
    job_id = bench.ids.make()
    (acted,) = bench.refused(bench.operator.cancel([job_id], "r1", running=True, by=BY))
    assert acted == Acted(job_id, ActCode.NOT_FOUND, None)


def test_a_cancelled_job_is_never_claimed(bench: Bench) -> None:
    cancelled(bench, bench.submit())
    assert bench.claim(10).leases == ()


def test_a_running_job_is_asked_to_stop_and_runs_on_until_it_does(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    assert cancelled(bench, job_id, running=True) == Acted(job_id, ActCode.REQUESTED, Status.RUNNING)
    assert bench.get(job_id).cancel_requested
    assert bench.last_event().changes == (Change(job_id, Status.RUNNING),)
    assert "cancelled" not in bench.totals()
    assert bench.settle(lease, OutcomeKind.FAILED) is Status.CANCELLED
    assert bench.totals()["cancelled"] == 1


def test_a_running_job_may_be_asked_again_by_another_request(bench: Bench) -> None:
    job_id = in_status(bench, Status.RUNNING)
    assert cancelled(bench, job_id, "r1", running=True).code is ActCode.REQUESTED
    assert cancelled(bench, job_id, "r2", running=True).code is ActCode.REQUESTED


def test_a_request_refused_once_may_succeed_later_under_its_own_name(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    call = bench.operator.cancel([job_id], "r1", running=False, by=BY)
    assert bench.run(call)[0].code is ActCode.CONFLICT
    bench.settle(lease, OutcomeKind.RELEASED)
    assert bench.run(call)[0].code is ActCode.DONE


def test_a_second_request_finds_the_job_cancelled(bench: Bench) -> None:
    job_id = bench.submit()
    cancelled(bench, job_id, "r1")
    assert bench.cancel(job_id)[0] == Acted(job_id, ActCode.CONFLICT, Status.CANCELLED)


def test_an_answer_is_repeated_even_when_the_job_has_moved_on(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    call = bench.operator.cancel([job_id], "r1", running=True, by=BY)
    first = bench.run(call)
    bench.settle(lease)
    assert bench.refused(call) == first


def test_a_dead_letter_is_discarded(bench: Bench) -> None:
    job_id = bench.dead_letter()
    assert discarded(bench, job_id) == Acted(job_id, ActCode.DONE, Status.CANCELLED)
    job = bench.get(job_id)
    assert (job.status, job.reason) == (Status.CANCELLED, "discarded")
    assert bench.client.zcard(bench.keys.index(Status.DEAD_LETTER)) == 0
    assert bench.last_event().verb == "discard"


@pytest.mark.parametrize("status", [*CANCELLABLE, Status.RUNNING, Status.COMPLETED, Status.CANCELLED])
def test_only_a_dead_letter_can_be_discarded(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    (acted,) = bench.refused(bench.operator.discard([job_id], "r1", by=BY))
    assert acted == Acted(job_id, ActCode.CONFLICT, status)


def test_one_request_name_serves_each_verb_by_itself(bench: Bench) -> None:
    job_id = bench.dead_letter()
    assert bench.run(bench.operator.retry([job_id], "r1", by=BY))[0].code is ActCode.DONE
    assert cancelled(bench, job_id, "r1").code is ActCode.DONE


def test_a_batch_is_one_event_in_order_with_a_code_each(bench: Bench) -> None:
    ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="demo.echo", queue=q) for q in ("a", "b")])]
    missing = bench.ids.make()
    answers = bench.twice(bench.operator.cancel([ids[0], missing, ids[1], ids[0]], "r1", running=False, by=BY))
    assert [answer.code for answer in answers] == [
        *(ActCode.DONE, ActCode.NOT_FOUND, ActCode.DONE, ActCode.DONE),
    ]
    assert bench.verbs() == ["submit", "cancel"]
    assert bench.last_event().queue == "*"


def test_a_batch_takes_200_jobs_and_no_more(bench: Bench) -> None:
    ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="demo.echo")] * MAX_BATCH)]
    assert {answer.code for answer in bench.cancel(*ids)} == {ActCode.DONE}
    with pytest.raises(ValueError, match="at most 200"):
        bench.cancel(*ids, bench.ids.make())
