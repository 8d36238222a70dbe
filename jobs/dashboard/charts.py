"""Charts as the script draws them: columns of numbers, and what each of them is."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

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


class Drawn(msgspec.Struct, frozen=True):
    """A chart with its columns, the first of which are the starts of the points in Unix seconds."""

    chart: Chart
    columns: tuple[Column, ...]

    @property
    def about(self) -> str:
        """Return how it is drawn, as JSON."""
        return msgspec.json.encode(self.chart).decode()

    @property
    def series(self) -> str:
        """Return the columns, as JSON."""
        return msgspec.json.encode(self.columns).decode()


THROUGHPUT = (
    Line("completed", "--if-done-fill", "k-completed"),
    Line("failed, will retry", "--if-failed-fill", "k-failed"),
    Line("dead letters", "--if-dead-fill", "k-dead"),
)
FLOW = (Line("came in", "--if-queued", "k-in"), Line("went out", "--if-done-fill", "k-completed"))
BACKLOG = (Line("ready", "--if-queued", "k-in"), Line("running", "--if-failed-fill", "k-failed"))
OLDEST = (Line("oldest", "--if-failed-fill", "k-failed"),)
PERCENTILES = (
    Line("median", "--if-queued", "k-in"),
    Line("95 %", "--if-failed-fill", "k-failed"),
    Line("99 %", "--if-dead-fill", "k-dead"),
)
