"""What a measure is: how it is taken, and how its readings are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.run import Run


@dataclass(frozen=True, slots=True)
class Column:
    """One number of a table: the name of the value, its heading, and its decimals."""

    value: str
    heading: str
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one value in one case; without `case` the last one read."""

    value: str
    title: str
    unit: str
    case: str = ""
    decimals: int = 0
    less_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured. `text` tells a reader what and how, `is_short` whether the short form has it."""

    name: str
    title: str
    text: str
    take: Callable[[Run], None]
    columns: tuple[Column, ...]
    charts: tuple[Chart, ...] = ()
    is_short: bool = True
