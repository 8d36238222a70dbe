"""list.lua: any index, stretch by stretch, with no job twice and none left out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import MAX_BATCH, Cursor
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.backends.situations import REACHABLE, in_status
from tests.backends.walking import walk
from tests.stores import Bench


def test_without_a_status_all_jobs_are_listed_newest_submission_first(bench: Bench) -> None:
    ids = [in_status(bench, status) for status in REACHABLE if status is not Status.QUEUED]
    ids.append(bench.submit())
    assert walk(bench, None) == ids[::-1]
    assert walk(bench, None, backwards=True) == ids


@pytest.mark.parametrize("status", REACHABLE)
def test_each_status_has_a_list_of_its_own(bench: Bench, status: Status) -> None:
    ids = {other: in_status(bench, other) for other in REACHABLE if other is not Status.QUEUED}
    ids[Status.QUEUED] = bench.submit()
    assert walk(bench, status, "main" if status is Status.QUEUED else None) == [ids[status]]


def test_one_queue_is_listed_in_the_order_in_which_it_will_run(bench: Bench) -> None:
    bench.submit(queue="other")
    low, first, critical = bench.submit(priority=Priority.LOW), bench.submit(), bench.submit(priority=Priority.CRITICAL)
    assert walk(bench, Status.QUEUED, "main") == [critical, first, low]
    assert walk(bench, Status.QUEUED, "main", backwards=True) == [low, first, critical]


def test_delayed_jobs_are_listed_soonest_first(bench: Bench) -> None:
    start = bench.now() + 60_000
    late, soon = bench.submit(scheduled_for=start + 5_000), bench.submit(scheduled_for=start)
    assert walk(bench, Status.SCHEDULED) == [soon, late]
    assert walk(bench, Status.SCHEDULED, backwards=True) == [late, soon]


def test_ended_jobs_are_listed_newest_end_first(bench: Bench) -> None:
    first, second = bench.submit(), bench.submit()
    leases = bench.claim(2).leases
    bench.settle(leases[1])
    bench.advance(1_000)
    bench.settle(leases[0])
    assert walk(bench, Status.COMPLETED) == [first, second]


@given(
    scores=st.lists(st.integers(0, 3), max_size=12),
    limit=st.integers(1, 5),
    backwards=st.booleans(),
)
@settings(max_examples=30, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_a_walk_meets_every_job_once_in_order_also_where_times_are_equal(
    scores: list[int], limit: int, backwards: bool
) -> None:
    with Bench() as bench:
        start = bench.now() + 3_600_000
        answers = bench.submit_all([JobSpec(kind="demo.echo", scheduled_for=start + score) for score in scores])
        places = sorted((score, answer.job_id) for score, answer in zip(scores, answers, strict=True))
        wanted = [job_id for _, job_id in places]
        assert walk(bench, Status.SCHEDULED, limit=limit, backwards=backwards) == (
            wanted[::-1] if backwards else wanted
        )


@given(removed=st.sets(st.integers(0, 9)), limit=st.integers(1, 4), backwards=st.booleans())
@settings(max_examples=25, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_jobs_that_leave_during_a_walk_hide_no_other(removed: set[int], limit: int, backwards: bool) -> None:
    with Bench() as bench:
        ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="demo.echo")] * 10)]
        gone = [ids[number] for number in removed]
        is_first = True

        def leave(_: object) -> None:
            nonlocal is_first
            if is_first and gone:
                bench.cancel(*gone)
            is_first = False

        found = walk(bench, Status.QUEUED, "main", limit=limit, backwards=backwards, between=leave)
        stays = [job_id for job_id in (ids[::-1] if backwards else ids) if job_id not in gone]
        assert [job_id for job_id in found if job_id not in gone] == stays
        assert len(set(found)) == len(found)


def test_a_cursor_of_a_job_that_was_never_there_still_marks_a_place(bench: Bench) -> None:
    start = bench.now() + 60_000
    soon, late = bench.submit(scheduled_for=start), bench.submit(scheduled_for=start + 10)
    for backwards, wanted in ((False, [late]), (True, [soon])):
        place = Cursor(start + 5, bench.ids.make())
        listing = bench.run(bench.inspector.list_jobs(Status.SCHEDULED, None, place, 10, backwards=backwards))
        assert [job.id for job in listing.jobs] == wanted
        assert listing.after is None


def test_an_entry_without_a_job_is_passed_over(bench: Bench) -> None:
    bench.is_checked = False
    start = bench.now() + 60_000
    first = bench.submit(scheduled_for=start)
    bench.client.zadd(bench.keys.index(Status.SCHEDULED), {bench.ids.make(): start + 1})
    second = bench.submit(scheduled_for=start + 2)
    assert walk(bench, Status.SCHEDULED, limit=1) == [first, second]


def test_a_stretch_is_at_most_200_jobs(bench: Bench) -> None:
    for _ in range(2):
        bench.submit_all([JobSpec(kind="demo.echo")] * 150)
    listing = bench.run(bench.inspector.list_jobs(None, None, None, 10_000))
    assert len(listing.jobs) == MAX_BATCH
    assert len(walk(bench, None)) == 300


def test_an_empty_list_ends_at_once_and_looking_changes_nothing(bench: Bench) -> None:
    bench.submit()
    listing = bench.refused(bench.inspector.list_jobs(Status.COMPLETED, None, None, 10))
    assert (listing.jobs, listing.after) == ((), None)
    assert bench.run(bench.inspector.list_jobs(Status.QUEUED, "unheard-of", None, 10)).jobs == ()
