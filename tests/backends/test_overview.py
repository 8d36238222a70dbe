"""overview.lua: queues, counters and minutes at one instant."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.retention import Retention
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.queue import QueueStats
from jobs.domain.status import Status
from tests.backends.situations import REACHABLE, in_status
from tests.stores import BY, LEASE_MS, Bench

MINUTE_MS = 60_000


def stats_of(bench: Bench, queue: str = "main") -> QueueStats:
    return {stats.name: stats for stats in bench.run(bench.inspector.overview(0)).queues}[queue]


def test_a_fresh_namespace_has_nothing_to_show(bench: Bench) -> None:
    overview = bench.refused(bench.inspector.overview(3))
    assert (overview.queues, overview.totals) == ((), {})
    assert [minute.submitted for minute in overview.minutes] == [0, 0, 0]


@given(wanted=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(Priority)), max_size=12))
@settings(max_examples=15, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_jobs_are_counted_by_queue_status_and_priority(wanted: list[tuple[str, Priority]]) -> None:
    with Bench() as bench:
        bench.submit_all([JobSpec(kind="demo.echo", queue=queue, priority=rank) for queue, rank in wanted])
        counted = {
            (stats.name, rank): number
            for stats in bench.run(bench.inspector.overview(0)).queues
            for rank, number in stats.counts[Status.QUEUED].items()
        }
        assert counted == Counter(wanted)


def test_every_status_is_counted(bench: Bench) -> None:
    for status in REACHABLE:
        if status is not Status.QUEUED:
            in_status(bench, status)
    bench.submit()
    assert stats_of(bench).counts == {status: {Priority.MEDIUM: 1} for status in REACHABLE}


def test_a_queue_stays_known_when_it_is_empty(bench: Bench) -> None:
    in_status(bench, Status.COMPLETED)
    bench.advance(86_400_000)
    bench.run(bench.maintainer.prune(Retention()))
    stats = stats_of(bench)
    assert (stats.counts, stats.oldest_ready_at) == ({}, None)


def test_the_longest_wait_is_that_of_the_oldest_ready_job_whatever_its_priority(bench: Bench) -> None:
    low = bench.submit(priority=Priority.LOW)
    bench.advance(60_000)
    bench.submit(priority=Priority.CRITICAL)
    assert stats_of(bench).oldest_ready_at == bench.get(low).ready_at
    bench.cancel(low)
    assert stats_of(bench).oldest_ready_at != bench.get(low).ready_at


def test_rates_of_a_queue_are_those_of_the_last_full_minute(bench: Bench) -> None:
    align(bench)
    bench.dead_letter()
    bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    bench.settle(bench.lease())
    assert (stats_of(bench).submitted_per_minute, stats_of(bench).finished_per_minute) == (0, 0)
    bench.advance(MINUTE_MS)
    assert (stats_of(bench).submitted_per_minute, stats_of(bench).finished_per_minute) == (4, 2)
    bench.advance(MINUTE_MS)
    assert stats_of(bench).submitted_per_minute == 0


def align(bench: Bench) -> None:
    """Hold the clock at the start of a minute, so that what follows stays within it."""
    bench.hold_clock()
    bench.advance(MINUTE_MS - bench.now() % MINUTE_MS)


def test_minutes_tell_what_happened_in_each(bench: Bench) -> None:
    align(bench)
    bench.submit_all([JobSpec(kind="demo.echo", max_retries=0)] * 3)
    bench.settle(bench.lease())
    bench.advance(MINUTE_MS)
    bench.fail(bench.lease())
    overview = bench.run(bench.inspector.overview(3))
    assert [(m.submitted, m.completed, m.failed, m.dead) for m in overview.minutes] == [
        *((0, 0, 0, 0), (3, 1, 0, 0), (0, 0, 1, 1)),
    ]
    assert overview.minutes[-1].at == overview.server_time // MINUTE_MS * MINUTE_MS
    assert overview.minutes[-1].at - overview.minutes[0].at == 2 * MINUTE_MS


def test_a_minute_tells_deaths_by_failure_from_other_deaths(bench: Bench) -> None:
    align(bench)
    bench.submit(max_retries=1)
    bench.fail(bench.lease())
    bench.dead_letter()
    bench.submit()
    bench.settle(bench.lease(), OutcomeKind.DISCARDED)
    bench.submit(delivery=Delivery.AT_MOST_ONCE)
    bench.lease()
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    (minute,) = bench.run(bench.inspector.overview(1)).minutes
    assert (minute.failed, minute.retried, minute.dead, minute.dead_unfailed) == (3, 1, 3, 1)


def test_a_failed_attempt_of_a_job_that_was_to_be_cancelled_is_neither_retried_nor_dead(bench: Bench) -> None:
    align(bench)
    job_id = bench.submit()
    lease = bench.lease()
    bench.cancel(job_id, running=True)
    bench.fail(lease)
    (minute,) = bench.run(bench.inspector.overview(1)).minutes
    assert (minute.failed, minute.retried, minute.dead, minute.dead_unfailed) == (1, 0, 0, 0)


@pytest.mark.parametrize("minutes", [0, 1, 2, 1440])
def test_there_are_as_many_minutes_as_asked_for(bench: Bench, minutes: int) -> None:
    assert len(bench.run(bench.inspector.overview(minutes)).minutes) == minutes


def test_minutes_are_forgotten_after_26_hours(bench: Bench) -> None:
    bench.submit()
    (key,) = bench.client.scan_iter(f"{bench.keys.named('stats_prefix')}*", count=1000)
    assert 25 * 3600 < bench.client.ttl(key) <= 26 * 3600


def test_totals_are_in_seconds_and_without_bookkeeping(bench: Bench) -> None:
    bench.submit()
    lease = bench.lease()
    bench.advance(1_000)
    bench.settle(lease, duration_ms=1_500)
    totals = bench.totals()
    assert totals["dur_sum:demo.echo"] == 1.5
    assert totals["dur_le:demo.echo:2.5"] == 1
    assert not [name for name in totals if name.startswith("kind")]


def test_pauses_are_shown_with_their_queue(bench: Bench) -> None:
    bench.submit()
    bench.run(bench.operator.pause("main", by=BY, reason="r"))
    pause = stats_of(bench).pause
    assert pause is not None
    assert pause.by == BY
