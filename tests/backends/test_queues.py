"""The queues of a namespace: a bounded number, each known while it is used and for an hour after, each read by name."""

from __future__ import annotations

import pytest

from jobs.backends.base import MAX_QUEUES, Submission, SubmitCode, Submitted
from jobs.backends.retention import Retention
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.queue import QueueStats
from jobs.domain.status import Status
from tests.backends.situations import REACHABLE, fill_queues, in_status
from tests.stores import BY, Bench

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def entry(bench: Bench, queue: str, key: str | None = None) -> Submission:
    return Submission(bench.ids.make(), JobSpec(kind="demo.echo", queue=queue), key, "f")


def submit(bench: Bench, *batch: Submission, is_atomic: bool = False) -> list[Submitted]:
    return bench.run(bench.producer.submit(batch, is_atomic=is_atomic))


def names_of(bench: Bench) -> list[str]:
    return [stats.name for stats in bench.run(bench.inspector.overview(0)).queues]


def look(bench: Bench, queue: str) -> QueueStats | None:
    return bench.run(bench.inspector.queue(queue))[1]


def prune(bench: Bench) -> None:
    bench.run(bench.maintainer.prune(Retention()))


def test_a_job_of_one_queue_too_many_is_refused_and_leaves_nothing(bench: Bench) -> None:
    names = fill_queues(bench)
    refused = entry(bench, "late", key="k")
    (answer,) = bench.refused(bench.producer.submit([refused]))
    assert (answer.code, answer.job_id) == (SubmitCode.TOO_MANY_QUEUES, refused.job_id)
    assert names_of(bench) == names
    codes = [answer.code for answer in submit(bench, entry(bench, "late"), entry(bench, names[7]))]
    assert codes == [SubmitCode.TOO_MANY_QUEUES, SubmitCode.ACCEPTED]


def test_main_always_has_a_place_and_every_queue_is_shown(bench: Bench) -> None:
    names = fill_queues(bench)
    job_id = bench.submit()
    assert names_of(bench) == sorted([*names, "main"])
    listing = bench.run(bench.inspector.list_jobs(Status.QUEUED, None, None, 200, backwards=True))
    assert listing.jobs[0].id == job_id


def test_only_so_many_new_queues_as_there_is_room_for_are_taken_from_one_batch(bench: Bench) -> None:
    fill_queues(bench, MAX_QUEUES - 2)
    answers = submit(bench, *(entry(bench, name) for name in ("a", "b", "a", "main", "b")))
    too_many = SubmitCode.TOO_MANY_QUEUES
    assert [answer.code for answer in answers] == [
        *(SubmitCode.ACCEPTED, too_many, SubmitCode.ACCEPTED, SubmitCode.ACCEPTED, too_many)
    ]


def test_one_queue_too_many_refuses_the_whole_of_an_atomic_batch(bench: Bench) -> None:
    names = fill_queues(bench)
    batch = [entry(bench, names[0]), entry(bench, "late"), entry(bench, "main")]
    answers = bench.refused(bench.producer.submit(batch, is_atomic=True))
    assert [answer.code for answer in answers] == [
        *(SubmitCode.ABORTED, SubmitCode.TOO_MANY_QUEUES, SubmitCode.ABORTED)
    ]
    assert {answer.code for answer in submit(bench, batch[0], batch[2], is_atomic=True)} == {SubmitCode.ACCEPTED}


def test_a_new_queue_too_many_cannot_be_paused_and_a_known_one_can(bench: Bench) -> None:
    names = fill_queues(bench)
    assert bench.refused(bench.operator.pause("late", by=BY, reason="")) is False
    assert bench.run(bench.operator.pause(names[-1], by=BY, reason="")) is True
    assert bench.run(bench.operator.pause("main", by=BY, reason="")) is True


@pytest.mark.parametrize("status", [status for status in REACHABLE if status is not Status.QUEUED])
def test_one_queue_is_read_by_name_as_the_overview_shows_it(bench: Bench, status: Status) -> None:
    in_status(bench, status)
    bench.submit(priority=Priority.LOW)
    bench.run(bench.operator.pause("main", by=BY, reason="r"))
    bench.advance(MINUTE_MS)
    overview = bench.run(bench.inspector.overview(0))
    now, stats = bench.refused(bench.inspector.queue("main"))
    assert (stats,) == overview.queues
    assert now - overview.server_time < MINUTE_MS


def test_a_queue_that_nobody_named_is_none(bench: Bench) -> None:
    assert bench.run(bench.inspector.queue("nobodys"))[1] is None


def test_what_no_job_is_left_of_is_not_counted_any_more(bench: Bench) -> None:
    bench.submit()
    bench.settle(bench.lease())
    assert set(bench.client.hkeys(bench.keys.named("counts"))) == {b"main|completed|2", b"bytes", b"jobs", b"stored"}
    bench.advance(86_400_000)
    prune(bench)
    assert bench.client.hgetall(bench.keys.named("counts")) == {}


def test_an_empty_queue_is_forgotten_after_an_hour_and_makes_room(bench: Bench) -> None:
    names = fill_queues(bench)
    for name in names[:3]:
        bench.run(bench.operator.purge(name, "r", bench.now() + 1, 0, by=BY))
    bench.advance(HOUR_MS - MINUTE_MS)
    prune(bench)
    assert len(names_of(bench)) == len(names)
    bench.advance(2 * MINUTE_MS)
    for _ in range(len(names) // 100 + 1):
        prune(bench)
    assert names_of(bench) == names[3:]
    assert not bench.client.exists(bench.keys.wake(names[0]))
    assert {answer.code for answer in submit(bench, *(entry(bench, name) for name in names[:3]))} == {
        SubmitCode.ACCEPTED
    }


@pytest.mark.parametrize("status", REACHABLE)
def test_a_queue_with_any_job_is_never_forgotten(bench: Bench, status: Status) -> None:
    bench.submit(queue="mail", scheduled_for=bench.now() + 10 * HOUR_MS)
    in_status(bench, status)
    bench.submit(queue="gone")
    bench.run(bench.operator.purge("gone", "r", bench.now() + 1, 0, by=BY))
    bench.advance(2 * HOUR_MS)
    prune(bench)
    assert names_of(bench) == ["mail", "main"]


def test_a_paused_queue_is_kept_and_stays_known_for_an_hour_after_it_was_resumed(bench: Bench) -> None:
    bench.run(bench.operator.pause("held", by=BY, reason=""))
    bench.advance(30 * HOUR_MS)
    prune(bench)
    assert look(bench, "held") is not None
    bench.advance(30 * HOUR_MS)
    bench.twice(bench.operator.resume("held", by=BY))
    prune(bench)
    assert look(bench, "held") is not None
    bench.advance(HOUR_MS + MINUTE_MS)
    prune(bench)
    assert look(bench, "held") is None


def test_main_is_never_forgotten(bench: Bench) -> None:
    bench.submit()
    bench.run(bench.operator.purge("main", "r", bench.now() + 1, 0, by=BY))
    bench.advance(100 * HOUR_MS)
    prune(bench)
    assert names_of(bench) == ["main"]


def test_using_a_queue_again_begins_its_hour_anew(bench: Bench) -> None:
    for _ in range(3):
        job_id = bench.submit(queue="mail")
        bench.run(bench.operator.purge("mail", job_id, bench.now() + 1, 0, by=BY))
        bench.advance(HOUR_MS - 2 * MINUTE_MS)
        prune(bench)
    assert look(bench, "mail") is not None
