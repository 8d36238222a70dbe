"""The traffic of one worker process with all namespaces that it serves, which come and go while it works."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

import msgspec

from jobs import wiring
from jobs.backends.glance import Glance
from jobs.backends.waking import Hints
from jobs.domain.errors import BackendUnavailable
from jobs.domain.lease import Lease
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import Settlement
from jobs.telemetry.logs import log_event
from workers.consumers import Place
from workers.faults import Faults
from workers.lanes import Lanes
from workers.lease_table import LeaseTable
from workers.options import WorkerOptions
from workers.pool import Pool
from workers.room import POLL_S
from workers.shared_ways import SharedWays
from workers.store_link import StoreLink, StoreWatch

# Hints are heard for so many queues at a time; those of more namespaces than that wait for the next look.
MAX_HEARD = 4_000
OLD_NEWS_S = 0.02


class NamespaceLanes:
    """Lanes for each namespace; those that are served no more stay until their jobs are settled."""

    def __init__(
        self,
        options: WorkerOptions,
        worker_id: str,
        leases: LeaseTable,
        watch: StoreWatch,
        *,
        looks: StoreLink,
        on_ready: Callable[[], None],
        logger: logging.Logger,
        faults: Faults,
    ) -> None:
        """`looks` is the way of who looks at all of them: it knows whether the store is away."""
        self._looks = looks
        self._options = options
        self._queues = (*options.queues, DELIVERY_QUEUE)
        self._worker_id = worker_id
        self._leases = leases
        self._watch = watch
        self._on_ready = on_ready
        self._logger = logger
        self._faults = faults
        self._ways = SharedWays(options.namespace, watch, logger)
        self._hints = wiring.hints(options.namespace)
        self._open: dict[str, Lanes] = {}
        self._leaving: dict[str, Lanes] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pool: Pool | None = None
        self._stopped, self._has_room = asyncio.Event(), asyncio.Event()
        self._is_ready = self._is_quiet = False
        self._quiet_in: set[str] = set()
        self._heard_last = ""
        self._gone_counts = (0, 0)

    @property
    def outbox(self) -> NamespaceLanes:
        """Return where the outcomes of attempts go."""
        return self

    @property
    def is_away(self) -> bool:
        """Tell whether the store did not answer when it was last asked."""
        return self._looks.is_away

    def serve(self, name: str) -> None:
        """Claim jobs of a namespace from now on."""
        lanes = self._leaving.pop(name, None)
        if lanes is None:
            options = msgspec.structs.replace(self._options, namespace=name)
            way = self._ways.of(name)
            lanes = Lanes(
                options,
                self._worker_id,
                self._leases,
                self._watch,
                on_ready=self._ready,
                logger=self._logger,
                faults=self._faults,
                ways=way,
            )
            log_event(self._logger, "namespace.served", level=logging.DEBUG, namespace=name)
        self._open[name] = lanes
        self._steer(name)
        self._start(name)

    def leave(self, name: str) -> None:
        """Claim nothing more there; what runs goes on and is settled."""
        lanes = self._open.pop(name, None)
        if lanes is not None:
            lanes.quiet()
            self._leaving[name] = lanes
            self._ways.room.leave(name)

    def obey(self, name: str, *, is_quiet: bool) -> None:
        """Claim nothing there, or again: somebody there told the worker so. Others are served all the same."""
        (self._quiet_in.add if is_quiet else self._quiet_in.discard)(name)
        self._steer(name)

    def hear(self, seen: Mapping[Place, Glance], until_next_s: float) -> None:
        """Take in what a look at all brought; the next one comes after `until_next_s`."""
        self._ready()
        for (name, shard), glance in seen.items():
            if name in self._open:
                self._ways.room.rotation.weigh(name, glance.weight)
                if glance.is_ready:
                    self._open[name].want(shard)
                elif glance.due_in_s is not None and glance.due_in_s < until_next_s:
                    asyncio.get_running_loop().call_later(glance.due_in_s + 0.001, self._want, name, shard)
        self._ways.room.offer()
        for name in list(self._leaving):
            self._end(name)

    def counts(self) -> tuple[int, int]:
        """Return how many attempts completed and how many failed, since the beginning."""
        found = [self._gone_counts, *(lanes.counts() for lanes in self._all())]
        return sum(completed for completed, _ in found), sum(failed for _, failed in found)

    def last_ok(self) -> dict[str, float]:
        """Return nothing: exchanges that have nothing to do make no progress, and the lookout is a loop of its own."""
        return {}

    async def run(self, pool: Pool) -> None:
        """Exchange until stopped and empty. No failure ends it."""
        self._pool = pool
        for name in list(self._open):
            self._start(name)
        hearing = asyncio.create_task(self._hear_hints(self._hints, pool)) if self._hints is not None else None
        try:
            await self._stopped.wait()
            if hearing is not None:
                hearing.cancel()
            await asyncio.gather(*self._tasks.values())
        finally:
            for task in self._tasks.values():
                task.cancel()

    def stop(self) -> None:
        """Claim nothing more; `run` ends when all outcomes are accepted."""
        for lanes in self._all():
            lanes.stop()
        self._stopped.set()

    def quiet(self) -> None:
        """Claim nothing until `resume`; what runs goes on and is settled."""
        self._is_quiet = True
        for name in self._open:
            self._steer(name)

    def resume(self) -> None:
        """Claim again, unless the worker stops."""
        self._is_quiet = False
        for name in self._open:
            self._steer(name)

    def notify_room(self) -> None:
        """Look again for jobs to claim; for the event loop's own callers."""
        self._has_room.set()
        if self._stopped.is_set():
            for lanes in self._all():
                lanes.notify_room()
        else:
            self._ways.room.offer()

    def is_idle(self, pool: Pool) -> bool:
        """Tell whether all namespaces were asked, none has a job that is ready now, and nothing is under way."""
        are_all_there = self._open.keys() >= set(self._options.namespaces)
        return are_all_there and all(lanes.is_idle(pool) for lanes in self._all())

    def owes_nothing(self, pool: Pool) -> bool:
        """Tell whether no job waits for an answer of the store, as `Exchange` has it."""
        return all(lanes.owes_nothing(pool) for lanes in self._all())

    def put(self, lease: Lease, settlement: Settlement) -> None:
        """Add an outcome to those of its own namespace."""
        name = lease.job.namespace
        (self._open if name in self._open else self._leaving)[name].put(lease, settlement)

    def holds(self, token: str) -> bool:
        """Tell whether the outcome of this attempt waits here."""
        return any(lanes.holds(token) for lanes in self._all())

    def __len__(self) -> int:
        return sum(len(lanes) for lanes in self._all())

    def close(self) -> None:
        """Give the connections back."""
        for lanes in self._all():
            lanes.close()
        self._ways.close()
        if self._hints is not None:
            self._hints.close()

    def _all(self) -> list[Lanes]:
        return [*self._open.values(), *self._leaving.values()]

    def _start(self, name: str) -> None:
        if self._pool is not None and name not in self._tasks and not self._stopped.is_set():
            self._tasks[name] = asyncio.create_task(self._open[name].run(self._pool))

    def _steer(self, name: str) -> None:
        lanes = self._open.get(name)
        if lanes is not None:
            (lanes.quiet if self._is_quiet or name in self._quiet_in else lanes.resume)()

    def _end(self, name: str) -> None:
        """Forget a namespace that is served no more, once nothing of it runs or waits here."""
        lanes = self._leaving[name]
        if len(lanes) or any(held.lease.job.namespace == name for held in self._leases.snapshot()):
            return
        del self._leaving[name]
        self._quiet_in.discard(name)
        completed, failed = lanes.counts()
        self._gone_counts = self._gone_counts[0] + completed, self._gone_counts[1] + failed
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
        lanes.close()
        log_event(self._logger, "namespace.left", namespace=name)

    def _want(self, name: str, shard: int) -> None:
        if name in self._open:
            self._open[name].want(shard)
            self._ways.room.offer()

    async def _hear_hints(self, hints: Hints, pool: Pool) -> None:
        """Hear of new jobs at once while there are free slots; who was heard last is the last to be heard again."""
        while True:
            self._has_room.clear()
            try:
                if pool.room() <= 0 or self._is_quiet or not self._open:
                    await asyncio.wait_for(self._has_room.wait(), POLL_S)
                    continue
                heard = await hints.hear(self._places(), POLL_S)
            except TimeoutError:
                continue
            except BackendUnavailable:
                # Told by the lookout, which asks the same store.
                await asyncio.sleep(random.uniform(0.2, 0.8))
                continue
            if heard is None:
                continue
            self._heard_last = heard[0]
            if self._has_work(heard[0], heard[1]):
                # Nothing new; with many of those nobody would do anything but hear.
                await asyncio.sleep(OLD_NEWS_S)
            else:
                self._want(heard[0], heard[1])

    def _places(self) -> list[tuple[str, int, str]]:
        """Return whom to hear of, from the one on that follows the last."""
        names = [name for name in self._open if name not in self._quiet_in]
        first = names.index(self._heard_last) + 1 if self._heard_last in names else 0
        shards = range(wiring.backend().shards)
        most = max(1, MAX_HEARD // (len(self._queues) * len(shards)))
        chosen = (names[first:] + names[:first])[:most]
        return [(name, shard, queue) for name in chosen for shard in shards for queue in self._queues]

    def _has_work(self, name: str, shard: int) -> bool:
        return name in self._open and self._open[name].is_wanting(shard)

    def _ready(self) -> None:
        """Tell of the first answer of the store: from then on there is work to do."""
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()
