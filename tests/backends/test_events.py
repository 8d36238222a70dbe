"""events.lua: what happened after an event, and whether some of it is gone."""

from __future__ import annotations

from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.stores import BY, Bench


def test_an_empty_stream_has_no_events(bench: Bench) -> None:
    assert bench.refused(bench.feed.events_since("$", 10)) == ([], False)
    assert bench.refused(bench.feed.events_since("0-0", 10)) == ([], False)


def test_events_come_in_order_and_a_reader_goes_on_from_the_last_it_saw(bench: Bench) -> None:
    job_id = bench.submit()
    bench.settle(bench.lease())
    events, missed = bench.run(bench.feed.events_since("0-0", 2))
    assert ([event.verb for event in events], missed) == (["submit", "claim"], False)
    rest, missed = bench.run(bench.feed.events_since(events[-1].id, 10))
    assert ([event.verb for event in rest], missed) == (["settle"], False)
    assert rest[0].changes[0].job_id == job_id
    assert bench.run(bench.feed.events_since(rest[-1].id, 10)) == ([], False)


def test_a_newcomer_learns_the_newest_event_only(bench: Bench) -> None:
    bench.submit()
    bench.lease()
    events, missed = bench.run(bench.feed.events_since("$", 10))
    assert ([event.verb for event in events], missed) == (["claim"], False)


def test_an_event_names_its_queue_or_a_star_for_several(bench: Bench) -> None:
    bench.submit(queue="a")
    bench.submit_all([JobSpec(kind="demo.echo", queue=name) for name in ("a", "b")])
    events, _ = bench.run(bench.feed.events_since("0-0", 10))
    assert [event.queue for event in events] == ["a", "*"]


def test_an_event_lists_every_change_of_its_batch_in_order(bench: Bench) -> None:
    answers = bench.submit_all([JobSpec(kind="demo.echo")] * 200)
    assert [change.job_id for change in bench.last_event().changes] == [answer.job_id for answer in answers]
    assert {change.status for change in bench.last_event().changes} == {Status.QUEUED}


def test_deleted_jobs_have_no_status(bench: Bench) -> None:
    bench.submit()
    bench.run(bench.operator.purge("main", "r1", bench.now(), 0, by=BY))
    assert [change.status for change in bench.last_event().changes] == [None]


def test_a_reader_whose_place_was_dropped_is_told(bench: Bench) -> None:
    bench.submit()
    seen = bench.last_event()
    bench.submit()
    bench.client.xtrim(bench.keys.named("events"), maxlen=1, approximate=False)
    events, missed = bench.run(bench.feed.events_since(seen.id, 10))
    assert ([event.verb for event in events], missed) == (["submit"], True)


def test_a_reader_who_knows_an_event_of_another_life_of_the_store_is_told(bench: Bench) -> None:
    bench.submit()
    assert bench.run(bench.feed.events_since("9999999999999-0", 10)) == ([], True)


def test_the_stream_is_capped(bench: Bench) -> None:
    key = bench.keys.named("events")
    pipeline = bench.client.pipeline(transaction=False)
    for _ in range(6_000):
        pipeline.xadd(key, {"verb": "x", "queue": "*", "at": 0, "jobs": ""})
    pipeline.execute()
    bench.submit()
    assert 4_096 <= bench.client.xlen(key) < 4_300
    assert bench.last_event().verb == "submit"


def test_a_call_that_changes_nothing_is_no_event(bench: Bench) -> None:
    bench.submit()
    bench.lease()
    before = bench.verbs()
    bench.claim()
    bench.run(bench.maintainer.promote_due())
    bench.run(bench.maintainer.reap())
    bench.cancel(bench.ids.make())
    assert bench.verbs() == before
