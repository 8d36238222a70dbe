"""Priority goes ahead of time, but only so far."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.priority import BY_RANK, Priority, score, step_s

priorities = st.sampled_from(list(Priority))
times = st.integers(0, 4_000_000_000_000_000).map(lambda us: us / 1_000_000)


def test_ranks_run_from_critical_to_low() -> None:
    assert [level.rank for level in Priority] == [0, 1, 2, 3]
    assert BY_RANK == (Priority.CRITICAL, Priority.HIGH, Priority.MEDIUM, Priority.LOW)


@given(times, priorities, priorities)
def test_at_one_instant_the_more_urgent_goes_first(at: float, one: Priority, other: Priority) -> None:
    assert (score(one, at) < score(other, at)) == (one.rank < other.rank)


@given(priorities, st.integers(1, 4 * 10**15))
def test_inside_a_priority_a_microsecond_decides(level: Priority, at_us: int) -> None:
    for mode in ("offset", "strict"):
        assert score(level, at_us / 1e6, mode) < score(level, (at_us + 1) / 1e6, mode)


@given(times)
def test_a_low_job_outranks_a_critical_one_that_comes_3000_seconds_later(at: float) -> None:
    assert score(Priority.LOW, at) > score(Priority.CRITICAL, at + 2999.9)
    assert score(Priority.LOW, at) < score(Priority.CRITICAL, at + 3000.1)


@given(times, priorities, priorities, st.integers(0, 100 * 86_400))
def test_strict_priority_is_never_bridged_by_time(at: float, one: Priority, other: Priority, later_s: int) -> None:
    if one.rank < other.rank:
        assert score(one, at + later_s, "strict") < score(other, at, "strict")


def test_the_steps_are_those_of_the_modes() -> None:
    assert (step_s("offset"), step_s("strict")) == (1_000, 10_000_000)
