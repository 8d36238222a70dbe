"""What one worker process does for several namespaces, or all: they take turns, each is told of its own only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from jobs import wiring
from jobs.backends.glance import Glance
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.worker import WorkerOrder
from jobs.telemetry.logs import log_event
from workers.consumers import Place
from workers.following import Following
from workers.households import Households
from workers.lookout import Lookout
from workers.loop_thread import LoopThread
from workers.maintenance.upkeep import INTERVAL_S
from workers.namespace_lanes import NamespaceLanes
from workers.pool import Pool
from workers.room import POLL_S
from workers.service import Base


class SeveralNamespaces:
    """Follows `workers.service.Service`."""

    def __init__(self, base: Base) -> None:
        options, looks, upkeep = base.options, base.link("lookout"), base.link("upkeep")
        self._loop, self._logger = base.loop, base.logger
        self.lanes = NamespaceLanes(
            options,
            base.worker_id,
            base.leases,
            base.watch,
            looks=looks,
            on_ready=base.on_ready,
            logger=base.logger,
            faults=base.faults,
        )
        named = frozenset(options.namespaces)
        self._households = Households(
            base.registry,
            Following() if options.is_all else lambda: named,
            upkeep,
            base.logger,
            base.loop,
            opened=self._serve,
            left=self.lanes.leave,
        )
        queues = (*options.queues, DELIVERY_QUEUE)
        hears_hints = not wiring.is_cluster()
        lookout = Lookout(queues, self._households.open_names, looks, self._saw, hears_hints=hears_hints)
        self._lookout = LoopThread("lookout", lookout.step, looks.close, interval_s=POLL_S, logger=base.logger)
        step = self._households.step
        self.threads = (
            LoopThread("upkeep", step, upkeep.close, interval_s=INTERVAL_S, logger=base.logger),
            self._lookout,
        )

    def names(self) -> Sequence[str]:
        """Return those whose jobs may start."""
        return self._households.open_names()

    async def run(self, pool: Pool, stop: asyncio.Event) -> None:
        """Take jobs of each namespace once the store knows how many of each kind may run there, and settle them."""
        await self.lanes.run(pool)

    def takes_order(self, namespace: str, order: WorkerOrder) -> bool:
        """Obey it for that namespace: nobody may stop what others are served by."""
        log_event(self._logger, "worker.ordered", order=order.value, namespace=namespace)
        if order is WorkerOrder.TERMINATE:
            self._households.dismiss(namespace)
        else:
            self._loop.call_soon_threadsafe(self._steer, namespace, order is WorkerOrder.QUIET)
        return True

    def _serve(self, namespace: str) -> None:
        """Open a namespace; its weight and the times of its delayed jobs are to be known soon."""
        self.lanes.serve(namespace)
        self._lookout.hurry()

    def _steer(self, namespace: str, is_quiet: bool) -> None:
        self.lanes.obey(namespace, is_quiet=is_quiet)

    def _saw(self, seen: Mapping[Place, Glance], until_next_s: float) -> None:
        """Hand on what the lookout saw; called in its thread."""
        self._households.note_needs(name for (name, _), glance in seen.items() if glance.needs_upkeep)
        self._loop.call_soon_threadsafe(self.lanes.hear, seen, until_next_s)
