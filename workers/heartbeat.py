"""Keeps the leases alive and says that the worker lives, from a thread and a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from jobs import wiring
from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.domain.lease import Extension
from jobs.domain.queue import WorkerRecord
from jobs.domain.worker import WorkerOrder
from workers.consumers import Consumers, Place
from workers.faults import Faults
from workers.lease_table import Held, LeaseTable
from workers.memory import resident_bytes
from workers.rounds import Rounds
from workers.store_link import StoreLink

MAX_JOBS_NAMED = 100
# For so long a worker that was heard of counts as active: as heartbeat.lua has it.
SEEN_FOR_S = 30.0
REPORTS_A_SECOND = 60


@dataclass(frozen=True, slots=True)
class News:
    """What a round of heartbeats brought: attempts that are no longer ours, and those somebody wants stopped."""

    lost: tuple[Held, ...]
    cancelled: tuple[Held, ...]


class Heartbeat:
    """One round: extend every held lease, tell the loop what changed, report the worker to each of its namespaces."""

    def __init__(
        self,
        consumers: Consumers,
        link: StoreLink,
        leases: LeaseTable,
        record: WorkerRecord,
        faults: Faults,
        *,
        namespaces: Callable[[], Sequence[str]],
        tell: Callable[[News], None],
        on_order: Callable[[str, WorkerOrder], None],
    ) -> None:
        """`tell` gets what changed; `on_order` each order of a namespace that is not its last one. Both are called in
        this thread.
        """
        self._consumers = consumers
        self._link = link
        self._leases = leases
        self._record = record
        self._namespaces = namespaces
        self._tell = tell
        self._on_order = on_order
        self._faults = faults
        self._inherited: Call[bool] | None = None
        self._orders: dict[str, WorkerOrder] = {}
        # By namespace, what it was last told that the worker does, and when (monotonic s).
        self._told: dict[str, tuple[str, float]] = {}
        self.status = "running"
        self._rounds: Rounds[Place] = Rounds("extend", consumers.shards)
        self._is_one_server = consumers.shards == 1 and not wiring.is_cluster()

    def inherit(self, order: Call[bool] | None) -> None:
        """Have the store give this worker, once it knows of it, the order to be quiet that the one before had.

        For a worker of one namespace.
        """
        if order is not None:
            (namespace,) = self._namespaces()
            self._inherited, self._orders[namespace] = order, WorkerOrder.QUIET

    def beat(self) -> None:
        """Do one round: a shard that is away keeps no lease of another from being extended.

        Raises BackendUnavailable.
        """
        held = self._leases.snapshot()
        groups = self._consumers.groups([entry.lease.job for entry in held])

        def extend(place: Place) -> None:
            self._extend_all([(place, [held[each] for each in groups[place]])])

        if self._is_one_server:
            # One round trip for all namespaces: nobody's leases may wait for so many of them.
            every = [(place, [held[each] for each in positions]) for place, positions in groups.items()]
            self._rounds.ask(list(groups)[:1], lambda _: self._extend_all(every), lambda: self._report(held))
        else:
            self._rounds.ask(groups, extend, lambda: self._report(held))
        self._faults.tell(self._link)

    def say_farewell(self) -> None:
        """Have the worker forgotten, and what failed noted. Raises BackendUnavailable."""
        self._faults.tell(self._link)
        self._leave(list(self._told) or list(self._namespaces()))

    def _report(self, held: Sequence[Held]) -> None:
        """Say that the worker lives: to few namespaces in each round, to many when a third of its time is over."""
        names = self._namespaces()
        gone = [name for name in self._told if name not in names]
        if gone:
            self._leave(gone)
        now = time.monotonic()
        every_s = min(SEEN_FOR_S / 3, len(names) / REPORTS_A_SECOND)
        due = [name for name in names if self._is_due(name, now - every_s)]
        for first in range(0, len(due), MAX_BATCH):
            some = due[first : first + MAX_BATCH]
            records = [self._present(name, held, len(names)) for name in some]
            calls = [self._consumers.at((name, 0)).heartbeat(it) for name, it in zip(some, records, strict=True)]
            for name, record, order in zip(some, records, self._link.run_many(calls), strict=True):
                self._told[name] = record.status, now
                self._hear(name, order)

    def _is_due(self, name: str, since: float) -> bool:
        status, at = self._told.get(name, ("", 0.0))
        return status != self._status_in(name) or at <= since

    def _leave(self, names: Sequence[str]) -> None:
        if not names:
            return
        self._link.run_many([self._consumers.at((name, 0)).farewell(self._record.id) for name in names])
        for name in names:
            self._told.pop(name, None)
            self._orders.pop(name, None)

    def _hear(self, namespace: str, order: WorkerOrder) -> None:
        if self._inherited is None or order is not WorkerOrder.RUN:
            self._inherited = None
            if order is not self._orders.get(namespace, WorkerOrder.RUN):
                self._orders[namespace] = order
                self._on_order(namespace, order)
        elif self._link.run(self._inherited):
            self._inherited = None

    def _status_in(self, namespace: str) -> str:
        """Return what the worker does there: it may be quiet in one while it works for others."""
        is_quiet = self._orders.get(namespace) is WorkerOrder.QUIET
        return "quiet" if is_quiet and self.status == "running" else self.status

    def _extend_all(self, groups: Sequence[tuple[Place, Sequence[Held]]]) -> None:
        batches = [
            (place, held[first : first + MAX_BATCH])
            for place, held in groups
            for first in range(0, len(held), MAX_BATCH)
        ]
        calls = [self._extend(place, batch) for place, batch in batches]
        sent = time.monotonic()
        for (_, batch), extension in zip(batches, self._link.run_many(calls), strict=True):
            self._learn(batch, extension, sent)

    def _extend(self, place: Place, batch: Sequence[Held]) -> Call[Extension]:
        pairs = [(held.lease.job.id, held.lease.token) for held in batch]
        return self._consumers.at(place).extend(pairs, self._leases.lease_ms)

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

    def _present(self, namespace: str, held: Sequence[Held], serves: int) -> WorkerRecord:
        """Return what a namespace is told: nothing of the jobs of others."""
        own = [entry.lease.job.id for entry in held if entry.lease.job.namespace == namespace]
        return msgspec.structs.replace(
            self._record,
            busy=len(own),
            memory_bytes=resident_bytes(),
            status=self._status_in(namespace),
            jobs=tuple(own[:MAX_JOBS_NAMED]),
            namespaces=serves,
        )
