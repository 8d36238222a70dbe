"""The table of states: in the code, and on the page that describes it."""

from __future__ import annotations

import re
from pathlib import Path

from jobs.domain.status import CANCELLABLE, FINAL, TRANSITIONS, Status, may_move

PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def _moves_on_the_page() -> set[tuple[Status | None, Status]]:
    moves: set[tuple[Status | None, Status]] = set()
    in_table = False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        in_table = bool(cells) and (in_table or cells[:2] == ["from", "to"])
        if not in_table or cells[0] == "from" or set(cells[0]) <= set("-"):
            continue
        sources = [None] if cells[0] == "–" else [Status(name) for name in re.findall(r"`(\w+)`", cells[0])]
        moves |= {(before, Status(after)) for before in sources for after in re.findall(r"`(\w+)`", cells[1])}
    return moves


def test_the_page_shows_the_moves_of_the_code() -> None:
    assert _moves_on_the_page() == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_every_status_has_its_moves() -> None:
    assert TRANSITIONS.keys() == {None, *Status}
    assert may_move(None, Status.QUEUED)
    assert not may_move(Status.COMPLETED, Status.QUEUED)


def test_every_status_can_be_reached_and_left_to_an_end() -> None:
    reached: set[Status | None] = {None}
    while more := {after for before in reached for after in TRANSITIONS[before]} - reached:
        reached |= more
    assert reached == {None, *Status}
    ends = {status for status in Status if not TRANSITIONS[status]}
    assert ends == {Status.COMPLETED, Status.CANCELLED}
    assert ends < FINAL


def test_what_waits_can_be_cancelled() -> None:
    assert {status for status in CANCELLABLE if not may_move(status, Status.CANCELLED)} == set()
    assert not CANCELLABLE & FINAL
