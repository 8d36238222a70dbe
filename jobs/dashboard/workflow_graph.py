"""The graph of a workflow as a drawing: boxes and lines in units of a pixel, from top to bottom or left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.dashboard.look import STATUS, Look
from jobs.domain.status import Status
from jobs.domain.workflow import StepState
from jobs.domain.workflow_layout import Layout, Spot, lay_out

WIDTH, HEIGHT = 196, 52
_GAP_X, _GAP_Y = 20, 14
# Between layers, where the lines are.
_ROOM_ACROSS, _ROOM_DOWN = 56, 40
_MARGIN = 12
# More side by side would be tiny in a window, which is wide but not that wide: then layers are columns.
_MOST_ABREAST = 4
Point = tuple[float, float]
GONE = Look(gettext_noop("Removed"), "trash", "s-cancelled", gettext_noop("its job was purged or removed by retention"))


@dataclass(frozen=True, slots=True)
class Box:
    """A step with the upper left corner of its box."""

    step: StepState
    look: Look
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as an SVG path; `is_done`: its parent completed."""

    path: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph of `width` by `height`; `said` tells its shape to who does not see it."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    said: str
    box_width: int = WIDTH
    box_height: int = HEIGHT


def look_of(status: Status | None) -> Look:
    """Return how a step looks; None: its job is gone."""
    return GONE if status is None else STATUS[status]


def draw(steps: Sequence[StepState]) -> Drawing | None:
    """Return the drawing, None where a table says more: for too many steps or edges, or for steps without any edge."""
    layout = lay_out({step.number: step.parents for step in steps})
    if layout is None or not layout.edges:
        return None
    plane = _Plane(layout.sizes)
    width, height = plane.extent()
    return Drawing(
        width=width,
        height=height,
        boxes=tuple(Box(step, look_of(step.status), *plane.corner(layout.spots[step.number])) for step in steps),
        lines=_lines(layout, {step.number: step.status for step in steps}, plane),
        said=_("%(steps)s steps in %(layers)s layers; the table of steps says the same.")
        % {"steps": len(steps), "layers": len(layout.sizes)},
    )


class _Plane:
    """From spots to pixels. Layers are centred."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._widest = max(sizes)
        self.is_down = self._widest <= _MOST_ABREAST

    def extent(self) -> tuple[float, float]:
        """Return width and height."""
        across, along = self._widest - 1, len(self._sizes) - 1
        x, y = self._at(across, along) if self.is_down else self._at(along, across)
        return x + WIDTH + _MARGIN, y + HEIGHT + _MARGIN

    def corner(self, spot: Spot) -> tuple[float, float]:
        """Return the upper left corner of a spot's box."""
        across = spot.place + (self._widest - self._sizes[spot.layer]) / 2
        return self._at(across, spot.layer) if self.is_down else self._at(spot.layer, across)

    def ends(self, spot: Spot) -> tuple[Point, Point]:
        """Return where lines reach a spot and where they leave it."""
        x, y = self.corner(spot)
        if self.is_down:
            return (x + WIDTH / 2, y), (x + WIDTH / 2, y + HEIGHT)
        return (x, y + HEIGHT / 2), (x + WIDTH, y + HEIGHT / 2)

    def bow(self, start: Point, end: Point) -> str:
        """Return the curve from where one box ends to where another begins."""
        if self.is_down:
            half = (start[1] + end[1]) / 2
            return f"C{start[0]:g} {half:g} {end[0]:g} {half:g} {end[0]:g} {end[1]:g}"
        half = (start[0] + end[0]) / 2
        return f"C{half:g} {start[1]:g} {half:g} {end[1]:g} {end[0]:g} {end[1]:g}"

    def _at(self, column: float, row: float) -> Point:
        room_x, room_y = (_GAP_X, _ROOM_DOWN) if self.is_down else (_ROOM_ACROSS, _GAP_Y)
        return _MARGIN + column * (WIDTH + room_x), _MARGIN + row * (HEIGHT + room_y)


def _lines(layout: Layout, statuses: dict[int, Status | None], plane: _Plane) -> tuple[Line, ...]:
    drawn = [
        Line(_path(spots, plane), statuses[parent] is Status.COMPLETED) for (parent, _), spots in layout.edges.items()
    ]
    # Those that are done lie on top.
    return tuple(sorted(drawn, key=lambda line: line.is_done))


def _path(spots: Sequence[Spot], plane: _Plane) -> str:
    """Leave the first box, go straight through the layers between, and end at the last box."""
    _, last = plane.ends(spots[0])
    parts = [f"M{last[0]:g} {last[1]:g}"]
    for spot in spots[1:]:
        begin, end = plane.ends(spot)
        parts.append(plane.bow(last, begin))
        if spot is not spots[-1]:
            parts.append(f"L{end[0]:g} {end[1]:g}")
        last = end
    return "".join(parts)
