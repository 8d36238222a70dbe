"""The wait before a retry doubles up to a cap; chance spreads it only when asked to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.backoff import LIMIT_MS, Backoff, Jitter

durations = st.integers(1, LIMIT_MS)


def test_the_default_table_is_that_of_the_decision_record() -> None:
    assert [Backoff().delay_ms(n) // 1000 for n in range(1, 11)] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(durations, durations, st.integers(1, 255))
def test_a_delay_stays_between_base_and_cap_and_never_shrinks(base_ms: int, cap_ms: int, count: int) -> None:
    backoff = Backoff(base_ms, max(base_ms, cap_ms))
    assert base_ms <= backoff.delay_ms(count) <= backoff.max_ms
    assert backoff.delay_ms(count) <= backoff.delay_ms(count + 1)


@given(durations, st.integers(1, 255), st.integers())
def test_full_jitter_stays_within_the_plain_delay(base_ms: int, count: int, seed: int) -> None:
    spread = Backoff(base_ms, LIMIT_MS, Jitter.FULL).delay_ms(count, random.Random(seed))
    assert 1 <= spread <= Backoff(base_ms, LIMIT_MS).delay_ms(count)


def test_full_jitter_spreads_over_the_whole_delay() -> None:
    chance = random.Random(7)
    spread = sorted(Backoff(jitter=Jitter.FULL).delay_ms(5, chance) for _ in range(1000))
    assert spread[0] < 1000
    assert spread[-1] > 31_000
    assert 15_000 < spread[500] < 17_000


def test_a_cap_of_one_millisecond_needs_no_chance() -> None:
    assert Backoff(1, 1, Jitter.FULL).delay_ms(1) == 1


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Backoff().delay_ms(0)
    with pytest.raises(ValueError, match="chance"):
        Backoff(jitter=Jitter.FULL).delay_ms(1)
