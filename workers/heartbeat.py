"""Keeps the leases alive and says that the worker lives, from a thread and a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from jobs.backends.base import MAX_BATCH, Consumer
from jobs.backends.call import Call
from jobs.domain.lease import Extension
from jobs.domain.queue import WorkerRecord
from jobs.domain.shard import places_by_shard
from jobs.domain.worker import WorkerOrder
from workers.lease_table import Held, LeaseTable
from workers.memory import resident_bytes
from workers.rounds import Rounds
from workers.store_link import StoreLink

MAX_JOBS_NAMED = 100


@dataclass(frozen=True, slots=True)
class News:
    """What a round of heartbeats brought: attempts that are no longer ours, and those somebody wants stopped."""

    lost: tuple[Held, ...]
    cancelled: tuple[Held, ...]


class Heartbeat:
    """One round: extend every held lease, tell the loop what changed, report the worker.

    `consumers` are those of all shards, in order.
    """

    def __init__(
        self,
        consumers: Sequence[Consumer],
        link: StoreLink,
        leases: LeaseTable,
        record: WorkerRecord,
        *,
        tell: Callable[[News], None],
        on_order: Callable[[WorkerOrder], None],
    ) -> None:
        """`tell` gets what changed; `on_order` each order that is not the last one. Both are called in this thread."""
        self._consumers = consumers
        self._link = link
        self._leases = leases
        self._record = record
        self._tell = tell
        self._on_order = on_order
        self._inherited: Call[bool] | None = None
        self._order = WorkerOrder.RUN
        self.status = "running"
        self._rounds = Rounds("extend", len(consumers))

    def inherit(self, order: Call[bool] | None) -> None:
        """Have the store give this worker, once it knows of it, the order to be quiet that the one before had."""
        if order is not None:
            self._inherited, self._order = order, WorkerOrder.QUIET

    def beat(self) -> None:
        """Do one round: a shard that is away keeps no lease of another from being extended.

        Raises BackendUnavailable.
        """
        held = self._leases.snapshot()
        groups = places_by_shard([entry.lease.job.id for entry in held], len(self._consumers))

        def extend(shard: int) -> None:
            self._extend_all(shard, [held[place] for place in groups[shard]])

        def report() -> None:
            order = self._link.run(self._consumers[0].heartbeat(self._present(held)))
            if self._inherited is None or order is not WorkerOrder.RUN:
                self._inherited = None
                self._obey(order)
            elif self._link.run(self._inherited):
                self._inherited = None

        self._rounds.ask(groups, extend, report)

    def say_farewell(self) -> None:
        """Have the worker forgotten. Raises BackendUnavailable."""
        self._link.run(self._consumers[0].farewell(self._record.id))

    def _obey(self, order: WorkerOrder) -> None:
        if order is not self._order:
            self._order = order
            self._on_order(order)

    def _extend_all(self, shard: int, held: Sequence[Held]) -> None:
        batches = [held[first : first + MAX_BATCH] for first in range(0, len(held), MAX_BATCH)]
        calls = [self._extend(shard, batch) for batch in batches]
        sent = time.monotonic()
        for batch, extension in zip(batches, self._link.run_many(calls), strict=True):
            self._learn(batch, extension, sent)

    def _extend(self, shard: int, batch: Sequence[Held]) -> Call[Extension]:
        pairs = [(held.lease.job.id, held.lease.token) for held in batch]
        return self._consumers[shard].extend(pairs, self._leases.lease_ms)

    def _learn(self, batch: Sequence[Held], extension: Extension, sent: float) -> None:
        by_id = {held.lease.job.id: held for held in batch}
        for job_id in extension.extended:
            self._leases.renew(by_id[job_id], sent)
        news = News(
            lost=tuple(by_id[job_id] for job_id in extension.lost),
            cancelled=tuple(by_id[job_id] for job_id in extension.cancel_requested),
        )
        if news.lost or news.cancelled:
            self._tell(news)

    def _present(self, held: Sequence[Held]) -> WorkerRecord:
        return msgspec.structs.replace(
            self._record,
            busy=len(held),
            memory_bytes=resident_bytes(),
            status=self.status,
            jobs=tuple(entry.lease.job.id for entry in held[:MAX_JOBS_NAMED]),
        )
