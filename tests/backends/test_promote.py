"""promote.lua: delayed jobs become ready, when due or when an operator says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.domain.event import Change
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.backends.situations import in_status
from tests.stores import BY, Bench


def promoted(bench: Bench, job_id: str, request_id: str = "r1") -> Acted:
    (acted,) = bench.twice(bench.operator.promote([job_id], request_id, by=BY))
    return acted


def test_what_is_due_becomes_ready_at_its_due_time(bench: Bench) -> None:
    due = bench.now() + 100_000
    job_id = bench.submit(scheduled_for=due)
    bench.advance(50_000)
    assert bench.refused(bench.maintainer.promote_due()) == 0
    bench.advance(55_000)
    submitted = bench.submit()
    assert bench.run(bench.maintainer.promote_due()) == 1
    assert bench.refused(bench.maintainer.promote_due()) == 0
    assert (bench.get(job_id).status, bench.get(job_id).ready_at) == (Status.QUEUED, due)
    assert bench.queue_ids() == [job_id, submitted]
    event = bench.last_event()
    assert (event.verb, event.changes) == ("promote", (Change(job_id, Status.QUEUED),))


def test_a_retry_that_is_due_becomes_ready(bench: Bench) -> None:
    job_id = bench.submit()
    bench.fail(bench.lease(), delay_ms=100_000)
    bench.advance(50_000)
    assert bench.run(bench.maintainer.promote_due()) == 0
    bench.advance(50_000)
    assert bench.run(bench.maintainer.promote_due()) == 1
    assert bench.get(job_id).status is Status.QUEUED
    assert bench.hints() > 0


@given(wanted=st.lists(st.tuples(st.integers(-500, 500), st.sampled_from(Priority)), max_size=12))
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_jobs_that_were_delayed_are_ordered_by_due_time_as_if_submitted_then(
    wanted: list[tuple[int, Priority]],
) -> None:
    with Bench() as bench:
        start = bench.now() + 3_600_000
        specs = [
            JobSpec(kind="demo.echo", priority=priority, scheduled_for=start + offset_s * 1000)
            for offset_s, priority in wanted
        ]
        answers = bench.submit_all(specs)
        bench.advance(3_600_000 + 600_000)
        assert bench.run(bench.maintainer.promote_due()) == len(wanted)
        places = [
            (offset_s + priority.rank * 1000, answer.job_id)
            for (offset_s, priority), answer in zip(wanted, answers, strict=True)
        ]
        assert bench.queue_ids() == [job_id for _, job_id in sorted(places)]


def test_a_call_takes_at_most_200_over_both_indexes(bench: Bench) -> None:
    due = bench.now() + 30_000
    bench.submit()
    bench.fail(bench.lease(), delay_ms=1_000)
    for _ in range(2):
        bench.submit_all([JobSpec(kind="demo.echo", scheduled_for=due)] * 150)
    bench.advance(60_000)
    assert [bench.run(bench.maintainer.promote_due()) for _ in range(3)] == [MAX_BATCH, 301 - MAX_BATCH, 0]
    assert bench.depth(Status.QUEUED) == 301


def test_an_entry_that_contradicts_its_job_is_dropped(bench: Bench) -> None:
    completed, orphan = in_status(bench, Status.COMPLETED), bench.ids.make()
    bench.client.zadd(bench.keys.index(Status.SCHEDULED), {completed: 1, orphan: 2})
    assert bench.run(bench.maintainer.promote_due()) == 0
    assert bench.get(completed).status is Status.COMPLETED
    assert bench.client.zcard(bench.keys.index(Status.SCHEDULED)) == 0


def test_hints_are_left_for_each_queue_that_is_not_paused(bench: Bench) -> None:
    due = bench.now() + 60_000
    bench.submit_all([JobSpec(kind="demo.echo", queue=name, scheduled_for=due) for name in ("a", "a", "b")])
    bench.run(bench.operator.pause("b", by=BY, reason=""))
    bench.advance(60_000)
    bench.run(bench.maintainer.promote_due())
    assert (bench.hints("a"), bench.hints("b")) == (2, 0)
    assert bench.last_event().queue == "*"


@pytest.mark.parametrize("status", [Status.SCHEDULED, Status.FAILED])
def test_an_operator_makes_a_delayed_job_ready_now(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    assert promoted(bench, job_id) == Acted(job_id, ActCode.DONE, Status.QUEUED)
    job = bench.get(job_id)
    assert (job.status, job.reason) == (Status.QUEUED, None)
    assert job.ready_at == bench.last_event().at
    assert bench.lease().job.id == job_id


@pytest.mark.parametrize(
    "status", [Status.QUEUED, Status.RUNNING, Status.COMPLETED, Status.DEAD_LETTER, Status.CANCELLED]
)
def test_what_is_not_delayed_is_a_conflict(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    (acted,) = bench.refused(bench.operator.promote([job_id], "r1", by=BY))
    assert acted == Acted(job_id, ActCode.CONFLICT, status)


def test_a_job_that_does_not_exist_is_not_found(bench: Bench) -> None:
    job_id = bench.ids.make()
    assert bench.refused(bench.operator.promote([job_id], "r1", by=BY)) == [Acted(job_id, ActCode.NOT_FOUND, None)]


def test_a_repeat_answers_alike_after_the_job_was_claimed(bench: Bench) -> None:
    job_id = in_status(bench, Status.SCHEDULED)
    call = bench.operator.promote([job_id], "r1", by=BY)
    first = bench.run(call)
    bench.settle(bench.lease())
    assert bench.refused(call) == first


def test_a_batch_is_one_event_and_at_most_200(bench: Bench) -> None:
    specs = [JobSpec(kind="demo.echo", scheduled_for=bench.now() + 60_000)] * MAX_BATCH
    ids = [answer.job_id for answer in bench.submit_all(specs)]
    answers = bench.twice(bench.operator.promote(ids, "r1", by=BY))
    assert {answer.code for answer in answers} == {ActCode.DONE}
    assert bench.verbs() == ["submit", "promote"]
    with pytest.raises(ValueError, match="at most 200"):
        bench.operator.promote([*ids, ids[0]], "r2", by=BY)
