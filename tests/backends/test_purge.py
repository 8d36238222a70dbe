"""purge.lua: a queue's ready jobs are deleted up to an instant, and the record says how many."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import MAX_BATCH
from jobs.backends.purge import PurgeProgress
from jobs.domain.event import Change
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.backends.situations import in_status
from tests.stores import BY, Bench


def purge(bench: Bench, until_ms: int, queue: str = "main") -> int:
    """Purge a queue to the end, each step repeated, and return how many jobs are gone."""
    purged, after, step = 0, 0, 0
    while True:
        progress = bench.twice(bench.operator.purge(queue, f"p{until_ms}:{step}", until_ms, after, by=BY))
        purged, step = purged + progress.purged, step + 1
        if progress.after is None:
            return purged
        after = progress.after


def test_ready_jobs_are_deleted_and_answer_none_from_then_on(bench: Bench) -> None:
    ids = [bench.submit(), bench.submit()]
    progress = bench.twice(bench.operator.purge("main", "r1", bench.now(), 0, by=BY))
    assert progress == PurgeProgress(purged=2, after=None)
    assert [bench.run(bench.inspector.get(job_id)) for job_id in ids] == [None, None]
    assert bench.depth(Status.QUEUED) == 0
    assert bench.totals()["purged"] == 2
    event = bench.last_event()
    assert (event.verb, event.queue) == ("purge", "main")
    assert set(event.changes) == {Change(job_id, None) for job_id in ids}
    assert bench.claim(10).leases == ()


@pytest.mark.parametrize("status", [status for status in Status if status not in {Status.QUEUED, Status.WAITING}])
def test_only_ready_jobs_are_deleted(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    assert purge(bench, bench.now() + 1_000_000) == 0
    assert bench.get(job_id).status is status


def test_other_queues_are_not_touched(bench: Bench) -> None:
    other = bench.submit(queue="other")
    bench.submit()
    assert purge(bench, bench.now()) == 1
    assert bench.queue_ids("other") == [other]


def test_what_became_ready_after_the_request_stays(bench: Bench) -> None:
    bench.submit()
    scheduled = bench.submit(scheduled_for=bench.now() + 5_000)
    until_ms = bench.now()
    bench.advance(10_000)
    bench.run(bench.maintainer.promote_due())
    late = bench.submit()
    assert purge(bench, until_ms) == 1
    assert bench.queue_ids() == [scheduled, late]


def test_more_than_200_are_purged_in_steps(bench: Bench) -> None:
    for _ in range(3):
        bench.submit_all([JobSpec(kind="demo.echo")] * 150)
    first = bench.twice(bench.operator.purge("main", "r1", bench.now(), 0, by=BY))
    assert first == PurgeProgress(purged=MAX_BATCH, after=0)
    assert purge(bench, bench.now()) == 450 - MAX_BATCH
    assert bench.queue_ids() == []


@given(
    jobs=st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 900_000)), max_size=10),
    late=st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 900_000)), max_size=10),
    limit=st.integers(1, 5),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_whatever_the_priorities_all_that_was_ready_goes_and_nothing_else(
    jobs: list[tuple[Priority, int]], late: list[tuple[Priority, int]], limit: int
) -> None:
    with Bench() as bench:
        early_ids = submit_spread(bench, jobs)
        until_ms = bench.now()
        bench.advance(1_000)
        late_ids = submit_spread(bench, late)
        after: int | None = 0
        step = 0
        while after is not None:
            call = bench.operator.purge("main", f"s{step}", until_ms, after, by=BY)
            smaller = type(call)(call.script, call.keys, (*call.args[:-1], limit), call.decode)
            after, step = bench.run(smaller).after, step + 1
            assert step < 100
        assert set(bench.queue_ids()) == set(late_ids)
        assert bench.totals().get("purged", 0) == len(early_ids)


def submit_spread(bench: Bench, wanted: list[tuple[Priority, int]]) -> list[str]:
    ids = []
    for priority, pause_ms in wanted:
        ids.append(bench.submit(priority=priority))
        bench.advance(pause_ms)
    return ids


def test_a_claim_between_two_steps_passes_no_job_over(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="demo.echo")] * MAX_BATCH)
    bench.submit_all([JobSpec(kind="demo.echo")] * 50)
    until_ms = bench.now()
    first = bench.run(bench.operator.purge("main", "r1", until_ms, 0, by=BY))
    bench.claim(20)
    bench.submit(priority=Priority.CRITICAL)
    assert first.after is not None
    second = bench.run(bench.operator.purge("main", "r2", until_ms, first.after, by=BY))
    assert second.after is None
    assert second.purged in {30, 31}  # the last submission may share its millisecond with the request


def test_an_empty_or_unknown_queue_has_nothing_to_purge(bench: Bench) -> None:
    assert bench.twice(bench.operator.purge("main", "r1", bench.now(), 0, by=BY)) == PurgeProgress(0, None)
    assert bench.verbs() == []


def test_a_repeat_after_new_submissions_answers_alike(bench: Bench) -> None:
    bench.submit()
    until_ms = bench.now() + 60_000
    call = bench.operator.purge("main", "r1", until_ms, 0, by=BY)
    first = bench.run(call)
    late = bench.submit()
    assert bench.refused(call) == first
    assert bench.queue_ids() == [late]


def test_an_entry_without_a_job_is_deleted_without_a_count(bench: Bench) -> None:
    bench.client.zadd(bench.keys.queue("main"), {bench.ids.make(): 1})
    assert purge(bench, bench.now()) == 1
    assert bench.queue_ids() == []
