"""The traffic of one worker process with all shards of its namespace: a lane each, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from jobs import wiring
from jobs.conf import conf
from jobs.domain.lease import Lease
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import Settlement
from jobs.domain.shard import shard_of
from workers.claim_request import ClaimTerms
from workers.consumers import Consumers
from workers.exchange import Exchange
from workers.faults import Faults
from workers.lease_table import LeaseTable
from workers.options import WorkerOptions
from workers.outbox import Outbox
from workers.parking import Parking
from workers.pool import Pool
from workers.queue_order import QueueOrder
from workers.store_link import ChannelLink, StoreWatch
from workers.ways import OwnWays, Ways


@dataclass(frozen=True, slots=True)
class Lane:
    """One shard's way out and in."""

    link: ChannelLink
    parking: Parking
    exchange: Exchange
    outbox: Outbox


class Lanes:
    """All lanes of a worker. To the pool they are one outbox."""

    def __init__(
        self,
        options: WorkerOptions,
        worker_id: str,
        leases: LeaseTable,
        watch: StoreWatch,
        *,
        on_ready: Callable[[], None],
        logger: logging.Logger,
        faults: Faults,
        ways: Ways | None = None,
    ) -> None:
        """`ways` are given where connections and slots are shared with other namespaces."""
        self._options = options
        self._ways = ways or OwnWays(options.namespace, (*options.queues, DELIVERY_QUEUE), watch, logger)
        self._order = QueueOrder(options.queues, options.weights, last=(DELIVERY_QUEUE,))
        self._worker_id = worker_id
        self._leases = leases
        self._on_ready = on_ready
        self._logger = logger
        self._faults = faults
        self._is_ready = self._is_stopping = False
        self._room = self._ways.room
        self._lanes = [self._lane(shard) for shard in range(wiring.backend().shards)]

    def _lane(self, shard: int) -> Lane:
        link, parking = self._ways.link(shard), self._ways.parking(shard)
        exchange = Exchange(
            ClaimTerms(Consumers().at((self._options.namespace, shard)), self._worker_id, self._order, conf().lease_ms),
            link,
            parking,
            on_ready=self._ready,
            logger=self._logger,
            room=self._room,
            is_apart=wiring.replicas() > 0,
        )
        label = self._options.namespace if self._options.is_shared else None
        outbox = Outbox(self._leases, self._logger, exchange.notify, label, faults=self._faults)
        return Lane(link, parking, exchange, outbox)

    @property
    def outbox(self) -> Outbox | Lanes:
        """Return where the outcomes of attempts go."""
        return self._lanes[0].outbox if len(self._lanes) == 1 else self

    @property
    def is_away(self) -> bool:
        """Tell whether no shard answered when it was last asked."""
        return all(lane.link.is_away for lane in self._lanes)

    def counts(self) -> tuple[int, int]:
        """Return how many attempts completed and how many failed, since the beginning."""
        boxes = [lane.outbox for lane in self._lanes]
        return sum(box.completed for box in boxes), sum(box.failed for box in boxes)

    def last_ok(self) -> dict[str, float]:
        """Return when each exchange last made progress (monotonic s)."""
        if len(self._lanes) == 1:
            return {"exchange": self._lanes[0].exchange.last_ok}
        return {f"exchange {shard}": lane.exchange.last_ok for shard, lane in enumerate(self._lanes)}

    async def run(self, pool: Pool) -> None:
        """Exchange until stopped and empty. No failure ends it."""
        await asyncio.gather(*(lane.exchange.run(pool, lane.outbox) for lane in self._lanes))

    def stop(self) -> None:
        """Claim nothing more; `run` ends when all outcomes are accepted."""
        self._is_stopping = True
        for lane in self._lanes:
            lane.exchange.stop()

    def quiet(self) -> None:
        """Claim nothing until `resume`; what runs goes on and is settled."""
        for lane in self._lanes:
            lane.exchange.close()

    def resume(self) -> None:
        """Claim again, unless the worker stops."""
        for lane in self._lanes:
            lane.exchange.reopen()

    def notify_room(self) -> None:
        """Look again for jobs to claim; for the event loop's own callers."""
        if self._is_stopping or len(self._lanes) == 1:
            for lane in self._lanes:
                lane.exchange.notify()
        else:
            self._room.offer()

    def want(self, shard: int) -> None:
        """Take it that a shard has work; for who looks at several namespaces at once."""
        self._lanes[shard].exchange.want()

    def is_wanting(self, shard: int) -> bool:
        """Tell whether a shard has work, as far as is known."""
        return self._lanes[shard].exchange.is_hungry

    def is_idle(self, pool: Pool) -> bool:
        """Tell whether all shards were asked, none has a job that is ready now, and nothing is under way."""
        is_free = pool.room() == pool.concurrency and not pool.unsettled()
        return is_free and all(lane.exchange.found_nothing and not lane.outbox for lane in self._lanes)

    def owes_nothing(self, pool: Pool) -> bool:
        """Tell whether no job waits for an answer of the store, as `Exchange` has it."""
        return all(lane.exchange.owes_nothing(pool, lane.outbox) for lane in self._lanes)

    def put(self, lease: Lease, settlement: Settlement) -> None:
        """Add an outcome and wake the exchange of its shard."""
        self._lanes[shard_of(lease.job.id, len(self._lanes))].outbox.put(lease, settlement)

    def holds(self, token: str) -> bool:
        """Tell whether the outcome of this attempt waits here."""
        return any(lane.outbox.holds(token) for lane in self._lanes)

    def __len__(self) -> int:
        return sum(len(lane.outbox) for lane in self._lanes)

    def close(self) -> None:
        """Give the connections back."""
        for lane in self._lanes:
            lane.link.close()
            lane.parking.close()

    def _ready(self) -> None:
        """Tell of the first shard that answers: from then on there is work to do."""
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()
