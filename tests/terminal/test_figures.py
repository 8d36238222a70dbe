"""Figures, keys and the division of the screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.priority import Priority
from jobs.domain.queue import Pause, QueueStats
from jobs.domain.status import Status
from jobs.terminal import figures
from jobs.terminal.frame import frame_of, shares
from jobs.terminal.keyboard import keys_of
from jobs.terminal.reading import urgency
from jobs.terminal.tables import Rows, titled
from jobs.terminal.view import View


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (figures.number(1_234_567), "1 234 567"),
        (figures.rate(0), "0"),
        (figures.rate(0.25), "0.2"),
        (figures.rate(1_250), "1 250"),
        (figures.age(-5), "0 s"),
        (figures.age(61_000), "1 min"),
        (figures.age(90_000_000), "1 d"),
        (figures.size(50 * 1_048_576), "50 MiB"),
        (figures.size(20 * 1_073_741_824), "20.0 GiB"),
        (figures.sparkline([0, 0], 5), "▁▁"),
        (figures.sparkline([9, 0, 1, 100], 3), "▁▂█"),
        (figures.sparkline([1], 0), ""),
    ],
)
def test_figures_are_short_and_whole(told: str, wanted: str) -> None:
    assert told == wanted


def test_keys_have_names_whatever_the_terminal_sends_for_them() -> None:
    assert keys_of(b"Q\x1b[A\x1bOBj\t\x1b[Z") == ["q", "up", "down", "down", "tab", "tab"]
    assert keys_of(b"\x1b[15~ \x1b\xc3") == ["other"] * 4


@given(st.integers(-3, 60), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_lines_are_shared_fairly_and_none_is_wasted(lines: int, wanted: list[int]) -> None:
    given_out = shares(lines, wanted)
    assert sum(given_out) == min(max(0, lines), sum(wanted))
    assert all(has <= wants for has, wants in zip(given_out, wanted, strict=True))
    short = [has for has, wants in zip(given_out, wanted, strict=True) if has < wants]
    assert not short or max(given_out) - min(short) <= 1


@given(st.integers(1, 60), st.integers(1, 30))
def test_a_frame_is_made_for_a_terminal_of_any_size_before_anything_is_known(columns: int, lines: int) -> None:
    assert frame_of(View("default", trouble="refused"), columns, lines) is not None


def test_what_is_paused_comes_first_and_then_the_longest_queue() -> None:
    def queue(name: str, ready: int, pause: Pause | None = None) -> QueueStats:
        return QueueStats(name=name, counts={Status.QUEUED: {Priority.MEDIUM: ready}}, pause=pause)

    queues = [
        queue("a", 0),
        queue("b", 40),
        queue("c", 33),
        queue("d", 300),
        queue("e", 0, Pause(by="me", reason="", at=0)),
    ]
    assert [found.name for found in sorted(queues, key=urgency)] == ["e", "d", "b", "c", "a"]


def test_a_title_says_how_many_rows_are_not_shown() -> None:
    assert titled("QUEUES", 16, Rows(0, 7)) == "QUEUES 16 (9 more)"
    assert titled("QUEUES", 3, Rows(0, 3)) == "QUEUES 3"
