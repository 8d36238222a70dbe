"""Priority: how far ahead of its time a job stands in its queue.

The score of a ready job is its priority's offset plus the time it became ready, in Unix seconds with microseconds;
the lowest score runs first. So critical overtakes low, submission order holds inside a priority, and nothing
starves: a low job outranks every critical one that became ready more than 3 000 s after it (ADR 0004).
In `strict` mode the offsets are so far apart that time never bridges them.
"""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """The four levels, most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for critical up to 3 for low: how the store keeps it."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(Priority)}
BY_RANK = tuple(Priority)

OFFSET_STEP_S = 1_000
# Ten million seconds a level: no queue is 115 days long, and 3e7 + 1.8e9 keeps microseconds exact in a double.
STRICT_STEP_S = 10_000_000


def step_s(mode: str) -> int:
    """Return the distance between neighbouring priorities in seconds, for `offset` or `strict` mode."""
    return STRICT_STEP_S if mode == "strict" else OFFSET_STEP_S


def score(priority: Priority, ready_at_s: float, mode: str = "offset") -> float:
    """Return the place of a job in its ready queue; the lowest goes first. `ready_at_s` is Unix seconds."""
    return priority.rank * step_s(mode) + ready_at_s
