"""When a process is replaced, and what of that can be asked for."""

from __future__ import annotations

import pytest

from workers.options import BadOption, parse_children, parse_recycling
from workers.recycling import NEVER, Recycling

MIB = 1_048_576


def test_the_first_bound_that_is_reached_is_the_reason() -> None:
    bounds = Recycling(10, 60.0, 100 * MIB)
    assert bounds.reason(9, 59.9, 100 * MIB - 1) is None
    assert bounds.reason(10, 60.0, 0) == "jobs"
    assert bounds.reason(0, 60.0, 100 * MIB) == "age"
    assert bounds.reason(0, 0, 100 * MIB) == "memory"


def test_without_bounds_nothing_is_replaced() -> None:
    assert not NEVER
    assert NEVER.reason(10**9, 10**9, 10**12) is None
    assert parse_recycling("--max-", None, None, None) == NEVER
    assert parse_recycling("--max-", 5, 1.5, 0.5e3) == Recycling(5, 1.5, 500 * MIB)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--max-jobs", (0, None, None)),
        ("--max-age", (None, float("nan"), None)),
        ("--max-age", (None, 0.5, None)),
        ("--max-memory", (None, None, 0)),
        ("--max-memory", (None, None, float("inf"))),
    ],
)
def test_a_bound_that_makes_no_sense_is_refused_by_name(
    option: str, given: tuple[int | None, float | None, float | None]
) -> None:
    with pytest.raises(BadOption, match=option):
        parse_recycling("--max-", *given)


def test_there_are_as_many_children_as_slots_and_no_more_than_the_processors_bear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert [parse_children(None, 1.0, NEVER, slots).limit for slots in (1, 3, 50)] == [1, 3, 8]
    assert parse_children(20, 1.0, NEVER, 50).limit == 20
    with pytest.raises(BadOption, match="--children"):
        parse_children(0, 1.0, NEVER, 50)
    with pytest.raises(BadOption, match="--child-grace"):
        parse_children(None, -1, NEVER, 50)
