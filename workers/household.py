"""What a worker process does for one namespace beside its jobs: says what handlers ask for, and keeps it in order."""

from __future__ import annotations

import asyncio
import logging

from jobs import wiring
from jobs.conf import conf
from workers.code_schedules import schedules_of
from workers.kind_limits import KindLimits
from workers.maintenance.upkeep import Upkeep
from workers.registry import Registry
from workers.rounds import Rounds
from workers.store_link import StoreLink


class Household:
    """For one thread, whose connection it uses."""

    def __init__(
        self,
        registry: Registry,
        namespace: str,
        link: StoreLink,
        logger: logging.Logger,
        loop: asyncio.AbstractEventLoop,
        *,
        is_one_of_many: bool = False,
    ) -> None:
        """Of `is_one_of_many` the shards are asked one after the other: threads for each would be too many."""
        backend = wiring.backend()
        maintainers = [backend.maintainer(namespace, shard) for shard in range(backend.shards)]
        self.limits = KindLimits(registry, backend.limits(namespace), link, logger, loop)
        self._schedules = schedules_of(registry, namespace, link, logger)
        rounds: Rounds[int] | None = Rounds("upkeep", 1) if is_one_of_many else None
        self._upkeep = Upkeep(maintainers, link, wiring.retention(), logger, lease_ms=conf().lease_ms, rounds=rounds)

    @property
    def has_more(self) -> bool:
        """Tell whether the next round should come soon."""
        return self._upkeep.is_walking

    def step(self) -> None:
        """Do a round. Raises BackendUnavailable."""
        try:
            self.limits.step()
            self._schedules.step()
        finally:
            self._upkeep.step()
