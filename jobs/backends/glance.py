"""What somebody who serves many namespaces sees of one at a time, before anything is asked in earnest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glance:
    """`due_in_s`: when a delayed or held job may be ready, None for none. `weight` is the namespace's."""

    is_ready: bool
    due_in_s: float | None
    needs_upkeep: bool
    weight: int
