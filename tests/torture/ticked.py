"""What became of a schedule in a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ticked:
    """A schedule of a run: its first instant, up to when it was decided in the end, and how often each was fired."""

    schedule_id: str
    first_ms: int
    mark_ms: int = 0
    fired: Counter[int] = field(default_factory=Counter)
