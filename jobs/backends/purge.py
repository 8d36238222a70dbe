"""What a step of a purge has done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PurgeProgress:
    """`after` is the place to go on from, None when the queue holds nothing more to purge."""

    purged: int
    after: int | None
