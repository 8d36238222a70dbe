"""How long final jobs are kept, and what retention removed."""

from __future__ import annotations

from dataclasses import dataclass

# Workflows that ended, of a shard of a namespace.
MAX_ENDED_WORKFLOWS = 10_000
# How long a workflow may be on its way into the store.
STAGED_MS = 600_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many final jobs retention removed, by status; `more` tells whether another call would find work."""

    completed: int
    cancelled: int
    dead_letter: int
    more: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """How long final jobs are kept. Dead letters are never removed by count or size.

    `longest_ms` is the most that a job may ask for by its `retention_ms`.
    """

    max_age_ms: int = 86_400_000
    max_jobs: int = 100_000
    max_bytes: int = 1 << 30
    dead_letter_age_ms: int = 90 * 86_400_000
    longest_ms: int = 90 * 86_400_000
