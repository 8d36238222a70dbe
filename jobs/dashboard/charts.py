"""Charts as the script draws them: columns of numbers, and what each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from django.utils.translation import gettext, gettext_noop

# None is a gap.
Column = Sequence[float | None]


class Line(msgspec.Struct, frozen=True):
    """One column: what it counts, the colour's name in tokens.css, and the class that colours its name."""

    label: str
    colour: str
    css: str


class Chart(msgspec.Struct, frozen=True):
    """How columns are drawn: `type` is `bars` (stacked) or `lines`, `unit` `n` for numbers or `s` for seconds.

    `step` is the length of a point in seconds, `none` what is said where there is nothing.
    """

    type: str
    unit: str
    step: int
    series: tuple[Line, ...]
    none: str


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """A line across a chart: when in Unix seconds, and what is said of it."""

    at: float
    label: str


class Drawn(msgspec.Struct, frozen=True):
    """A chart with its columns, the first of which are the starts of the points in Unix seconds."""

    chart: Chart
    columns: tuple[Column, ...]
    lines: tuple[Mark, ...] = ()

    @property
    def marks(self) -> str:
        """Return the lines across it, as JSON."""
        return msgspec.json.encode(self.lines).decode()

    @property
    def about(self) -> str:
        """Return how it is drawn, as JSON."""
        return msgspec.json.encode(self.chart).decode()

    @property
    def series(self) -> str:
        """Return the columns, as JSON."""
        return msgspec.json.encode(self.columns).decode()


def lines_for_reader(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines with their names in the language of the reader."""
    return tuple(msgspec.structs.replace(line, label=gettext(line.label)) for line in lines)


THROUGHPUT = (
    Line(gettext_noop("completed"), "--if-done-fill", "k-completed"),
    Line(gettext_noop("failed, will retry"), "--if-failed-fill", "k-failed"),
    Line(gettext_noop("dead letters"), "--if-dead-fill", "k-dead"),
)
# Of one queue, whose dead letters are not counted by the minute.
ENDS = (*THROUGHPUT[:2], Line(gettext_noop("failed for good"), "--if-dead-fill", "k-dead"))
FLOW = (
    Line(gettext_noop("came in"), "--if-queued", "k-in"),
    Line(gettext_noop("went out"), "--if-done-fill", "k-completed"),
)
BACKLOG = (
    Line(gettext_noop("ready"), "--if-queued", "k-in"),
    Line(gettext_noop("running"), "--if-failed-fill", "k-failed"),
)
OLDEST = (Line(gettext_noop("oldest"), "--if-failed-fill", "k-failed"),)
PERCENTILES = (
    Line(gettext_noop("median"), "--if-queued", "k-in"),
    Line("95 %", "--if-failed-fill", "k-failed"),
    Line("99 %", "--if-dead-fill", "k-dead"),
)
