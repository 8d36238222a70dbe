"""Stretches of time that charts show, and how long each of their points is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class Range(StrEnum):
    """How far back."""

    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"
    THREE_DAYS = "72h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of `points` points of `step_s` seconds, from `start` (Unix s, a whole number of steps)."""

    start: int
    step_s: int
    points: int

    @property
    def end(self) -> int:
        """Return the first second behind it."""
        return self.start + self.step_s * self.points

    def before(self) -> Span:
        """Return the stretch of the same length that ends where this one begins."""
        return Span(self.start - self.step_s * self.points, self.step_s, self.points)

    def place(self, at: int) -> int:
        """Return the number of the point that holds a second."""
        return (at - self.start) // self.step_s


# Length and step in seconds: at most 360 points. Minutes are kept for 72 hours, hours for 90 days.
_LENGTHS: dict[Range, tuple[int, int]] = {
    Range.HOUR: (_HOUR, _MINUTE),
    Range.SIX_HOURS: (6 * _HOUR, _MINUTE),
    Range.DAY: (_DAY, 5 * _MINUTE),
    Range.THREE_DAYS: (3 * _DAY, 15 * _MINUTE),
    Range.WEEK: (7 * _DAY, _HOUR),
    Range.MONTH: (30 * _DAY, 4 * _HOUR),
    Range.QUARTER: (90 * _DAY, 12 * _HOUR),
}


def span_of(wanted: Range, now_s: int) -> Span:
    """Return the stretch that ends with the point in which `now_s` lies, which is not over."""
    length, step_s = _LENGTHS[wanted]
    end = now_s - now_s % step_s + step_s
    return Span(end - length, step_s, length // step_s)
