"""A whole namespace at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.domain.circuit import CircuitState
from jobs.domain.queue import Minute, QueueStats


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole namespace at one instant of the store's clock. `circuits` has those of kinds that were ever judged."""

    server_time: int
    queues: tuple[QueueStats, ...]
    minutes: tuple[Minute, ...]
    totals: dict[str, float]
    circuits: dict[str, CircuitState] = field(default_factory=dict)
