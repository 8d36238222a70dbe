"""list_queued.lua: the ready jobs of all queues, merged into the order in which they would run."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.backends.walking import walk
from tests.stores import Bench

jobs_of_queues = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(Priority)), max_size=16)


def test_jobs_of_all_queues_are_merged_by_score(bench: Bench) -> None:
    low = bench.submit(queue="a", priority=Priority.LOW)
    medium = bench.submit(queue="b")
    critical = bench.submit(queue="c", priority=Priority.CRITICAL)
    assert walk(bench, Status.QUEUED) == [critical, medium, low]
    assert walk(bench, Status.QUEUED, backwards=True) == [low, medium, critical]


@given(wanted=jobs_of_queues, limit=st.integers(1, 6), backwards=st.booleans())
@example(wanted=[("a", Priority.LOW)] * 16, limit=200, backwards=True)
@settings(max_examples=40, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_a_walk_meets_every_job_once_in_order(wanted: list[tuple[str, Priority]], limit: int, backwards: bool) -> None:
    with Bench() as bench:
        answers = bench.submit_all([JobSpec(kind="demo.echo", queue=queue, priority=rank) for queue, rank in wanted])
        places = sorted((rank.rank, answer.job_id) for (_, rank), answer in zip(wanted, answers, strict=True))
        order = [job_id for _, job_id in places]
        found = walk(bench, Status.QUEUED, limit=limit, backwards=backwards)
        assert found == (order[::-1] if backwards else order)


def test_jobs_claimed_during_a_walk_hide_no_other(bench: Bench) -> None:
    answers = bench.submit_all([JobSpec(kind="demo.echo", queue=name) for name in ("a", "b") * 5])
    ids = [answer.job_id for answer in answers]
    claimed: set[str] = set()

    def claim(_: object) -> None:
        claimed.update(lease.job.id for lease in bench.claim(1, queues=("a", "b")).leases)

    found = walk(bench, Status.QUEUED, limit=3, between=claim)
    assert [job_id for job_id in found if job_id not in claimed] == [job_id for job_id in ids if job_id not in claimed]
    assert len(set(found)) == len(found)


def test_paused_queues_are_listed_too(bench: Bench) -> None:
    job_id = bench.submit(queue="held")
    bench.run(bench.operator.pause("held", by="t", reason=""))
    assert walk(bench, Status.QUEUED) == [job_id]


def test_nothing_but_ready_jobs_is_listed_and_looking_changes_nothing(bench: Bench) -> None:
    bench.submit(scheduled_for=bench.now() + 60_000)
    bench.submit()
    bench.lease()
    listing = bench.refused(bench.inspector.list_jobs(Status.QUEUED, None, None, 10))
    assert (listing.jobs, listing.after) == ((), None)
