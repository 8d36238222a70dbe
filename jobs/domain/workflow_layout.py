"""Where the steps of a graph are drawn: in layers by the longest way from a root, each near its parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

MAX_DRAWN = 499
# Edges count once for each layer that they go through.
_MAX_SPANS = 1_500
_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a layer; both count from 0, where the layer of the roots is."""

    layer: int
    place: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Spots by step, and edges by (parent, child): the spots that each goes through, both ends included.

    `sizes` is how many spots each layer has, those of passing edges counted.
    """

    sizes: tuple[int, ...]
    spots: Mapping[int, Spot]
    edges: Mapping[tuple[int, int], tuple[Spot, ...]]


def lay_out(parents: Mapping[int, Sequence[int]]) -> Layout | None:
    """Return where to draw steps, given by number with their parents; None where a picture would help nobody.

    That is: no step, more than MAX_DRAWN, a tangle of edges, or a cycle, which only damage can bring.
    """
    if not 0 < len(parents) <= MAX_DRAWN:
        return None
    known = {step: [parent for parent in dict.fromkeys(above) if parent in parents] for step, above in parents.items()}
    try:
        order = list(TopologicalSorter(known).static_order())
    except CycleError:
        return None
    layer: dict[int, int] = {}
    for step in order:
        layer[step] = max((layer[parent] + 1 for parent in known[step]), default=0)
    if sum(layer[step] - layer[parent] for step, above in known.items() for parent in above) > _MAX_SPANS:
        return None
    return _placed(known, layer)


def _placed(known: Mapping[int, Sequence[int]], layer: dict[int, int]) -> Layout:
    """Give each edge that goes through a layer a place in it, as if it were a step there; then order the layers."""
    rows: list[list[int]] = [[] for _ in range(max(layer.values()) + 1)]
    for step in sorted(layer):
        rows[layer[step]].append(step)
    above: dict[int, list[int]] = {step: [] for step in layer}
    ways: dict[tuple[int, int], list[int]] = {}
    bend = -1
    for step in sorted(known):
        for parent in known[step]:
            way = [parent]
            for between in range(layer[parent] + 1, layer[step]):
                rows[between].append(bend)
                above[bend] = [way[-1]]
                way.append(bend)
                bend -= 1
            above[step].append(way[-1])
            ways[parent, step] = [*way, step]
    _untangle(rows, above)
    spots = {step: Spot(at, place) for at, row in enumerate(rows) for place, step in enumerate(row)}
    edges = {edge: tuple(spots[step] for step in way) for edge, way in ways.items()}
    return Layout(tuple(map(len, rows)), {step: spots[step] for step in layer}, edges)


def _untangle(rows: list[list[int]], above: Mapping[int, Sequence[int]]) -> None:
    """Move each step to the middle of its parents, and then of its children, a few times over."""
    below: dict[int, list[int]] = {step: [] for step in above}
    for step, some in above.items():
        for parent in some:
            below[parent].append(step)
    for sweep in range(_SWEEPS):
        is_down = sweep % 2 == 0
        for at in range(1, len(rows)) if is_down else range(len(rows) - 2, -1, -1):
            other = rows[at - 1 if is_down else at + 1]
            places = {step: place / len(other) for place, step in enumerate(other)}
            near = above if is_down else below
            row = rows[at]
            middle = {
                step: _mean([places[it] for it in near[step] if it in places], place / len(row))
                for place, step in enumerate(row)
            }
            row.sort(key=middle.__getitem__)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
