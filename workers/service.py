"""What a worker process does for those it serves: here for one namespace; `several_namespaces` has the other one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import Logger
from typing import Protocol

from django.utils.module_loading import import_string

from jobs.domain.worker import WorkerOrder
from workers.faults import Faults
from workers.household import Household
from workers.lanes import Lanes
from workers.lease_table import LeaseTable
from workers.loop_thread import LoopThread
from workers.maintenance.upkeep import INTERVAL_S
from workers.options import WorkerOptions
from workers.pool import Pool
from workers.registry import Registry
from workers.store_link import StoreLink, StoreWatch
from workers.traffic import Traffic

_SEVERAL = "workers.several_namespaces.SeveralNamespaces"


@dataclass(frozen=True, slots=True)
class Base:
    """What a service is built on: parts of its process. `link` makes a way to the store under a name."""

    options: WorkerOptions
    registry: Registry
    worker_id: str
    leases: LeaseTable
    watch: StoreWatch
    logger: Logger
    loop: asyncio.AbstractEventLoop
    link: Callable[[str], StoreLink]
    on_ready: Callable[[], None]
    faults: Faults


class Service(Protocol):
    """Built before the process works."""

    @property
    def lanes(self) -> Traffic:
        """Return the traffic of claims and outcomes."""

    @property
    def threads(self) -> tuple[LoopThread, ...]:
        """Return the loops, which are not started yet."""

    def names(self) -> Sequence[str]:
        """Return the namespaces that are served now; for any thread."""

    async def run(self, pool: Pool, stop: asyncio.Event) -> None:
        """Take jobs and settle them until the lanes are stopped and empty."""

    def takes_order(self, namespace: str, order: WorkerOrder) -> bool:
        """Obey what a namespace told the worker; False where it is the whole process's to obey."""


class OneNamespace:
    """Follows `Service`."""

    def __init__(self, base: Base) -> None:
        self._names = (base.options.namespace,)
        self.lanes = Lanes(
            base.options,
            base.worker_id,
            base.leases,
            base.watch,
            on_ready=base.on_ready,
            logger=base.logger,
            faults=base.faults,
        )
        link = base.link("upkeep")
        self._household = Household(base.registry, base.options.namespace, link, base.logger, base.loop)
        upkeep = LoopThread("upkeep", self._household.step, link.close, interval_s=INTERVAL_S, logger=base.logger)
        self.threads = (upkeep,)

    def names(self) -> Sequence[str]:
        """Return the one."""
        return self._names

    async def run(self, pool: Pool, stop: asyncio.Event) -> None:
        """Take jobs and settle them, once the store knows how many of each kind may run."""
        if await self._household.limits.told(stop):
            await self.lanes.run(pool)

    def takes_order(self, namespace: str, order: WorkerOrder) -> bool:
        """Leave it to the process."""
        return False


def service_of(base: Base) -> Service:
    """Return the service that the options ask for; what several namespaces need is loaded for them only."""
    if not base.options.is_shared:
        return OneNamespace(base)
    several: Service = import_string(_SEVERAL)(base)
    return several
