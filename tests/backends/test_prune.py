"""prune.lua: final jobs go by age, number and bytes, the oldest first; dead letters by age alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.backends.base import MAX_BATCH
from jobs.backends.retention import Pruned, Retention
from jobs.domain.event import Change
from jobs.domain.job import JobSpec
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.backends.situations import REACHABLE, in_status
from tests.stores import Bench

DAY_MS = 86_400_000
NOTHING = Pruned(0, 0, 0, more=False)


def prune(bench: Bench, **bounds: int) -> Pruned:
    return bench.run(bench.maintainer.prune(Retention(**bounds)))


def finish(bench: Bench, number: int, payload: bytes = b"null", result: bytes | None = None) -> list[str]:
    """Complete that many jobs in one call and return their ids, oldest first."""
    bench.submit_all([JobSpec(kind="demo.echo", payload=payload)] * number)
    settlements = [_completed(lease.job.id, lease.token, result) for lease in bench.claim(number).leases]
    bench.run(bench.consumer.settle(settlements))
    return [settlement.job_id for settlement in settlements]


def _completed(job_id: str, token: str, result: bytes | None = None) -> Settlement:
    return Settlement(job_id=job_id, token=token, outcome=OutcomeKind.COMPLETED, result=result)


def is_there(bench: Bench, job_id: str) -> bool:
    return bench.run(bench.inspector.get(job_id)) is not None


@pytest.mark.parametrize("status", REACHABLE)
def test_nothing_goes_before_its_time(bench: Bench, status: Status) -> None:
    in_status(bench, status)
    assert bench.refused(bench.maintainer.prune(Retention())) == NOTHING


def test_completed_and_cancelled_jobs_go_by_age_with_an_event_and_a_count(bench: Bench) -> None:
    ids = [in_status(bench, status) for status in (Status.COMPLETED, Status.CANCELLED)]
    bench.advance(DAY_MS)
    assert prune(bench) == Pruned(completed=1, cancelled=1, dead_letter=0, more=False)
    assert not any(is_there(bench, job_id) for job_id in ids)
    event = bench.last_event()
    assert (event.verb, event.changes) == ("prune", tuple(Change(job_id, None) for job_id in ids))
    assert (bench.totals()["pruned:completed"], bench.totals()["pruned:cancelled"]) == (1, 1)
    assert bench.refused(bench.maintainer.prune(Retention())) == NOTHING


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SCHEDULED, Status.RUNNING, Status.FAILED])
def test_a_job_that_has_not_ended_never_goes(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    bench.advance(1000 * DAY_MS)
    assert prune(bench, max_age_ms=0, max_jobs=0, max_bytes=0, dead_letter_age_ms=0) == NOTHING
    assert bench.get(job_id).status is status


def test_beyond_the_number_the_oldest_go_whichever_way_they_ended(bench: Bench) -> None:
    ids = []
    for status in (Status.CANCELLED, Status.COMPLETED, Status.CANCELLED, Status.COMPLETED, Status.COMPLETED):
        ids.append(in_status(bench, status))
        bench.advance(1_000)
    assert prune(bench, max_jobs=2) == Pruned(completed=1, cancelled=2, dead_letter=0, more=False)
    assert [is_there(bench, job_id) for job_id in ids] == [False, False, False, True, True]


def test_payloads_and_results_of_what_is_kept_stay_below_the_bytes(bench: Bench) -> None:
    ids = [finish(bench, 1, payload=b'"' + b"p" * 58 + b'"', result=b"r" * 40)[0] for _ in range(5)]
    assert prune(bench, max_bytes=500) == NOTHING
    assert prune(bench, max_bytes=499) == Pruned(completed=1, cancelled=0, dead_letter=0, more=False)
    assert prune(bench, max_bytes=150) == Pruned(completed=3, cancelled=0, dead_letter=0, more=False)
    assert [is_there(bench, job_id) for job_id in ids] == [False] * 4 + [True]


def test_dead_letters_go_by_age_and_never_by_number_or_bytes(bench: Bench) -> None:
    job_id = bench.dead_letter(payload=b'"' + b"p" * 1000 + b'"')
    assert prune(bench, max_age_ms=0, max_jobs=0, max_bytes=0) == NOTHING
    bench.advance(90 * DAY_MS - 60_000)
    assert prune(bench) == NOTHING
    bench.advance(60_000)
    assert prune(bench) == Pruned(completed=0, cancelled=0, dead_letter=1, more=False)
    assert not is_there(bench, job_id)
    assert bench.totals()["pruned:dead_letter"] == 1


def test_a_discarded_dead_letter_is_kept_and_measured_as_a_cancelled_job(bench: Bench) -> None:
    job_id = bench.dead_letter(payload=b"[12345678]")
    bench.run(bench.operator.discard([job_id], "r1", by="t"))
    assert bench.client.hget(bench.keys.named("counts"), "bytes") == b"10"
    assert prune(bench, max_bytes=9) == Pruned(completed=0, cancelled=1, dead_letter=0, more=False)


def test_at_most_200_go_in_a_call_and_it_says_that_there_is_more(bench: Bench) -> None:
    finish(bench, 150)
    finish(bench, 150)
    bench.dead_letter()
    bench.advance(91 * DAY_MS)
    assert prune(bench) == Pruned(completed=MAX_BATCH, cancelled=0, dead_letter=0, more=True)
    assert prune(bench) == Pruned(completed=100, cancelled=0, dead_letter=1, more=False)


def test_a_job_that_says_how_long_it_is_kept_goes_then_and_stands_in_nobodys_way(bench: Bench) -> None:
    ids = {}
    for name, retention_ms in (("long", 3 * DAY_MS), ("usual", None), ("short", 60_000), ("dead", 60_000)):
        job_id = ids[name] = bench.submit(retention_ms=retention_ms, max_retries=0)
        bench.settle(bench.lease(), OutcomeKind.FAILED if name == "dead" else OutcomeKind.COMPLETED)
        assert bench.get(job_id).retention_ms == retention_ms
    ids["cancelled"] = bench.submit(retention_ms=2 * DAY_MS)
    bench.cancel(ids["cancelled"])
    bench.advance(60_000)
    assert prune(bench) == Pruned(1, 0, 0, more=False)
    bench.check()
    bench.advance(DAY_MS)
    assert [name for name, job_id in ids.items() if prune(bench) and not is_there(bench, job_id)] == ["usual", "short"]
    bench.advance(DAY_MS)
    assert prune(bench) == Pruned(0, 1, 0, more=False)
    bench.check()
    # The longest that counts may be lowered; number and bytes go before it.
    assert prune(bench, longest_ms=3 * DAY_MS - 1) == NOTHING
    assert prune(bench, longest_ms=2 * DAY_MS) == Pruned(1, 0, 0, more=False)
    bench.submit(retention_ms=3 * DAY_MS)
    bench.settle(bench.lease())
    assert prune(bench, max_jobs=0) == Pruned(1, 0, 0, more=False)
    assert (is_there(bench, ids["dead"]), bench.client.exists(bench.keys.named("retained"))) == (True, 0)


def test_jobs_that_stay_longer_are_looked_past_once(bench: Bench) -> None:
    for _ in range(3):
        bench.submit_all([JobSpec(kind="demo.echo", retention_ms=2 * DAY_MS)] * 150)
        bench.run(bench.consumer.settle([_completed(it.job.id, it.token) for it in bench.claim(150).leases]))
    usual = finish(bench, 5)
    bench.advance(DAY_MS + 60_000)
    rounds = [prune(bench) for _ in range(4)]
    assert rounds == [Pruned(0, 0, 0, more=True), Pruned(0, 0, 0, more=True), Pruned(5, 0, 0, more=False), NOTHING]
    assert not any(is_there(bench, job_id) for job_id in usual)
    bench.advance(DAY_MS)
    assert [prune(bench).completed for _ in range(3)] == [200, 200, 50]
    bench.check()


def test_an_entry_without_a_job_is_dropped(bench: Bench) -> None:
    for status in (Status.COMPLETED, Status.CANCELLED, Status.DEAD_LETTER):
        bench.client.zadd(bench.keys.index(status), {bench.ids.make(): 1})
    assert prune(bench) == Pruned(completed=1, cancelled=1, dead_letter=1, more=False)
    assert bench.verbs() == []


@given(
    endings=st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(1, 100)), min_size=1, max_size=10),
    max_age_s=st.integers(1, 300),
    max_jobs=st.integers(0, 10),
    max_bytes=st.integers(0, 500),
)
@settings(max_examples=30, deadline=None)
@pytest.mark.usefixtures("_store_server")
def test_the_kept_are_the_newest_within_all_three_bounds(
    endings: list[tuple[bool, int, int]], max_age_s: int, max_jobs: int, max_bytes: int
) -> None:
    with Bench() as bench:
        bench.hold_clock()
        ended: list[tuple[str, int, int]] = []
        for is_cancelled, pause_s, size in endings:
            job_id = bench.submit(payload=b"1" * size)
            if is_cancelled:
                bench.cancel(job_id)
            else:
                bench.settle(bench.lease())
            ended.append((job_id, bench.get(job_id).finished_at or 0, size))
            bench.advance(pause_s * 1000 + 1)
        prune(bench, max_age_ms=max_age_s * 1000, max_jobs=max_jobs, max_bytes=max_bytes)
        now = bench.now()
        kept = [
            job_id
            for place, (job_id, finished_at, _) in enumerate(ended)
            if finished_at > now - max_age_s * 1000
            and len(ended) - place <= max_jobs
            and sum(size for *_, size in ended[place:]) <= max_bytes
        ]
        assert [job_id for job_id, *_ in ended if is_there(bench, job_id)] == kept
