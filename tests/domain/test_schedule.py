"""What is decided about the instants of a schedule: each once, whoever decides and in whatever stretches."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.schedule import (
    MAX_COUNTED,
    ON_TIME_MS,
    Plan,
    Timing,
    jittered,
    plan,
)
from jobs.domain.schedule_policy import CatchUp

HOUR_MS = 3_600_000
BEGIN = 1_790_000_000_000
EVERY_S = Timing(every_ms=1_000, anchor_ms=BEGIN)
timings = st.one_of(
    st.integers(1_000, HOUR_MS).map(lambda every: Timing(every_ms=every, anchor_ms=BEGIN)),
    st.sampled_from(["* * * * *", "*/7 * * * *", "0 9 * * 1-5", "30 2 * * *"]).map(
        lambda text: Timing(cron=text, zone="America/New_York")
    ),
    st.integers(0, 12 * HOUR_MS).map(lambda after: Timing(at_ms=BEGIN + after)),
)


def decided(timing: Timing, catch_up: CatchUp, looks: list[int], limit: int = 180) -> list[Plan]:
    """Return what those who look then decide, each about what the last one left."""
    plans, mark = [], BEGIN
    for look in sorted(looks):
        plans.append(plan(timing, catch_up, limit, mark, BEGIN + look))
        mark = BEGIN + look
    return plans


@settings(deadline=None)
@given(timings, st.sampled_from(CatchUp), st.lists(st.integers(0, 6 * HOUR_MS), max_size=6))
def test_each_instant_is_decided_once_in_whatever_stretches_one_looks(
    timing: Timing, catch_up: CatchUp, looks: list[int]
) -> None:
    end = BEGIN + max(looks, default=0)
    every = []
    for instant in timing.instants_after(BEGIN):
        if instant > end:
            break
        every.append(instant)
    plans = decided(timing, catch_up, looks)
    due = [instant for each in plans for instant in each.due]
    assert due == sorted(set(due))
    assert set(due) <= set(every)
    if all(each.missed < MAX_COUNTED for each in plans):
        assert len(due) + sum(each.missed for each in plans) == len(every)


@given(st.sampled_from(CatchUp), st.integers(0, HOUR_MS))
def test_what_is_on_time_fires_whatever_the_policy(catch_up: CatchUp, look: int) -> None:
    (only,) = decided(EVERY_S, catch_up, [look])
    on_time = [BEGIN + at for at in range(1_000, look + 1, 1_000) if look - at <= ON_TIME_MS]
    assert [it for it in only.due if it in set(on_time)] == on_time


def test_an_outage_is_made_good_by_its_newest_instants_however_long_it_was() -> None:
    (year,) = decided(EVERY_S, CatchUp.ALL, [366 * 24 * HOUR_MS], limit=50)
    assert year.due == tuple(range(BEGIN + 366 * 24 * HOUR_MS - 49_000, BEGIN + 366 * 24 * HOUR_MS + 1, 1_000))
    assert year.missed == MAX_COUNTED
    busy_month = Timing(cron="* * 1-31 1 *", zone="UTC")
    (whole,) = decided(busy_month, CatchUp.ALL, [200 * 24 * HOUR_MS])
    assert (len(whole.due), whole.due[-1]) == (180, 1_801_439_940_000)


@given(st.integers(0, HOUR_MS), st.integers(BEGIN, 2 * BEGIN))
def test_jitter_is_the_same_for_whoever_reckons_it_and_bounded(jitter_ms: int, nominal: int) -> None:
    due = jittered("s", nominal, jitter_ms)
    assert due == jittered("s", nominal, jitter_ms)
    assert nominal <= due <= nominal + jitter_ms
