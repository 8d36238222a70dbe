"""pause.lua: a paused queue hands nothing out, and says by whom, why and since when."""

from __future__ import annotations

from jobs.domain.queue import QueueStats
from jobs.domain.status import Status
from tests.stores import BY, Bench


def stats_of(bench: Bench, queue: str) -> QueueStats:
    (stats,) = [stats for stats in bench.run(bench.inspector.overview(0)).queues if stats.name == queue]
    return stats


def test_a_pause_is_on_record_and_holds_the_queue_s_jobs(bench: Bench) -> None:
    bench.submit()
    bench.twice(bench.operator.pause("main", by=BY, reason='the mail server is "down" é'))
    event = bench.last_event()
    assert (event.verb, event.queue, event.changes) == ("pause", "main", ())
    pause = stats_of(bench, "main").pause
    assert pause is not None
    assert (pause.by, pause.reason, pause.at) == (BY, 'the mail server is "down" é', event.at)
    assert bench.claim().leases == ()
    assert bench.depth(Status.QUEUED) == 1


def test_pausing_again_keeps_the_first_pause(bench: Bench) -> None:
    bench.run(bench.operator.pause("main", by="first", reason="one"))
    bench.refused(bench.operator.pause("main", by="second", reason="two"))
    pause = stats_of(bench, "main").pause
    assert pause is not None
    assert (pause.by, pause.reason) == ("first", "one")


def test_a_queue_that_nobody_has_used_can_be_paused_and_is_known_from_then_on(bench: Bench) -> None:
    bench.run(bench.operator.pause("later", by=BY, reason=""))
    assert stats_of(bench, "later").pause is not None
    bench.submit(queue="later")
    assert bench.claim(queues=("later",)).leases == ()


def test_hints_that_were_left_before_are_taken_back(bench: Bench) -> None:
    bench.submit()
    assert bench.hints() == 1
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    assert bench.hints() == 0


def test_running_jobs_go_on_and_may_be_settled(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    assert bench.run(bench.consumer.extend([(lease.job.id, lease.token)], 10_000)).extended
    assert bench.settle(lease) is Status.COMPLETED


def test_due_jobs_join_a_paused_queue_and_stay_there(bench: Bench) -> None:
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    job_id = bench.submit(scheduled_for=bench.now() + 1_000)
    bench.advance(1_000)
    assert bench.claim().leases == ()
    assert bench.queue_ids() == [job_id]


def test_other_queues_are_not_held(bench: Bench) -> None:
    bench.submit(queue="other")
    bench.run(bench.operator.pause("main", by=BY, reason=""))
    assert len(bench.claim(queues=("main", "other")).leases) == 1
