"""resume.lua: a queue hands its jobs out again, and workers are told."""

from __future__ import annotations

from jobs.domain.job import JobSpec
from tests.stores import BY, Bench


def test_a_resumed_queue_hands_out_what_waited_in_its_order(bench: Bench) -> None:
    answers = bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    bench.twice(bench.operator.resume("main", by=BY))
    event = bench.last_event()
    assert (event.verb, event.queue, event.changes) == ("resume", "main", ())
    assert bench.run(bench.inspector.overview(0)).queues[0].pause is None
    assert [lease.job.id for lease in bench.claim(10).leases] == [answer.job_id for answer in answers]


def test_there_is_a_hint_for_each_job_that_waited_but_at_most_eight(bench: Bench) -> None:
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    bench.run(bench.operator.resume("main", by=BY))
    assert bench.hints() == 3
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    bench.submit_all([JobSpec(kind="demo.echo")] * 30)
    bench.run(bench.operator.resume("main", by=BY))
    assert bench.hints() == 8


def test_an_empty_queue_is_resumed_without_a_hint(bench: Bench) -> None:
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    bench.run(bench.operator.resume("main", by=BY))
    assert bench.hints() == 0


def test_a_queue_that_is_not_paused_stays_as_it_is(bench: Bench) -> None:
    bench.submit()
    bench.refused(bench.operator.resume("main", by=BY))
    bench.refused(bench.operator.resume("unheard-of", by=BY))
    assert bench.verbs() == ["submit"]


def test_a_queue_may_be_paused_anew_with_another_reason(bench: Bench) -> None:
    for reason in ("one", "two"):
        bench.run(bench.operator.pause("main", by=BY, reason=reason))
        pause = bench.run(bench.inspector.overview(0)).queues[0].pause
        assert pause is not None
        assert pause.reason == reason
        bench.run(bench.operator.resume("main", by=BY))
    assert bench.verbs() == ["pause", "resume"] * 2
