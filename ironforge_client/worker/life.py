"""One life of a worker, from its registration to its farewell, on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from ironforge_client.connection import AsyncConnection, Place
from ironforge_client.errors import IronForgeError
from ironforge_client.worker.attempt import Attempt, StopReason
from ironforge_client.worker.claimer import Claimer
from ironforge_client.worker.desk import Desk
from ironforge_client.worker.ending import released, unknown_kind
from ironforge_client.worker.execution import CLEAN_UP_S, Execution
from ironforge_client.worker.heart import Heart, is_hopeless
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.protocol import Lease, Options, Orders
from ironforge_client.worker.registry import Registry

_log = logging.getLogger("ironforge.worker")
# How often leases are compared with the clock.
_WATCH_S = 0.1
# How long the last outcomes may take to be told.
_LAST_WORDS_S = 5.0


class Life:
    """Everything that runs while a worker does. Its methods are for the event loop."""

    def __init__(self, place: Place, options: Options, registry: Registry) -> None:
        self._options = options
        self._registry = registry
        self._loop = asyncio.get_running_loop()
        self._connection = AsyncConnection(place)
        self._leases = LeaseTable(options.concurrency)
        self._heart = Heart(
            place, options, registry.kinds(), self._leases, news=self._hear_news, failed=self._hear_failure
        )
        self._desk = Desk(self._connection, self._leases, self._changed)
        self._claimer = Claimer(self._connection, options, self._leases, self._heart, self._begin)
        self._executions: dict[str, Execution] = {}
        self._is_stopping = False
        self._stop = asyncio.Event()
        self._empty = asyncio.Event()
        self._grace_s = options.grace_s
        self._hurry = asyncio.Event()
        self._fault: IronForgeError | None = None

    def stop(self) -> None:
        """Begin the orderly end; a second time: do not wait for running jobs."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop` or the order to terminate. Raises IronForgeError when the server refuses the worker."""
        self._heart.start()
        claims = asyncio.create_task(self._claimer.work())
        outcomes = asyncio.create_task(self._desk.work())
        watch = asyncio.create_task(self._watch())
        try:
            ended = asyncio.create_task(self._stop.wait())
            await asyncio.wait({ended, claims, outcomes, watch}, return_when=asyncio.FIRST_COMPLETED)
            self._is_stopping = True
            self._heart.status = "draining"
            self._heart.beat_now()
            await _cancelled(claims)
            await self._drain()
        finally:
            await _cancelled(claims, outcomes, watch)
            await asyncio.to_thread(self._heart.stop)
            await self._connection.close()
        if self._fault is not None:
            raise self._fault

    async def _drain(self) -> None:
        """Let running jobs end for as long as the grace is, then give the rest back and tell all outcomes."""
        _log.info("stopping; %d jobs run", len(self._leases))
        hurry = asyncio.create_task(self._hurry.wait())
        await self._until_empty(self._grace_s, hurry)
        for execution in list(self._executions.values()):
            execution.stop(StopReason.SHUTDOWN)
        await self._until_empty(CLEAN_UP_S + _LAST_WORDS_S)
        hurry.cancel()

    async def _until_empty(self, limit_s: float, hurry: asyncio.Task[bool] | None = None) -> None:
        """Wait until no outcome is open any more; a thread that does not end keeps nobody waiting."""
        empty = asyncio.create_task(self._empty.wait())
        if not self._leases.open():
            self._empty.set()
        waited = {empty} if hurry is None else {empty, hurry}
        await asyncio.wait(waited, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        empty.cancel()

    def _begin(self, lease: Lease, trusted_until: float) -> None:
        attempt = Attempt(lease, trusted_until)
        if not self._leases.add(attempt):
            return
        self._empty.clear()
        handler = self._registry.find(lease.job.kind)
        if self._is_stopping or handler is None:
            attempt.settlement = released(attempt) if self._is_stopping else unknown_kind(attempt)
            attempt.is_ended = True
            self._changed(attempt)
            return
        execution = Execution(attempt, handler, self._desk.tell, self._changed)
        self._executions[lease.token] = execution
        execution.start()

    def _changed(self, attempt: Attempt) -> None:
        """Do what follows from an outcome that is decided or recorded, or from the end of a handler."""
        if attempt.is_ended:
            self._executions.pop(attempt.lease.token, None)
        if not attempt.is_recorded and attempt.is_lost:
            _log.warning("job %s: the lease was lost, its outcome is not told", attempt.lease.job.id)
            attempt.is_recorded = True
        elif not attempt.is_recorded:
            self._desk.settle(attempt)
        if self._leases.remove_done(attempt):
            self._claimer.see_room()
        if not self._leases.open():
            self._empty.set()

    def _hear_news(self, orders: Orders, asked: Sequence[Attempt]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: nothing follows from it any more
            self._loop.call_soon_threadsafe(self._follow, orders, asked)

    def _hear_failure(self, error: IronForgeError) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._fail, error)

    def _follow(self, orders: Orders, asked: Sequence[Attempt]) -> None:
        self._claimer.see_room()
        # Only those: by now another attempt at the same job may be here.
        for attempt in asked:
            if attempt.is_recorded or attempt.is_lost:
                continue
            if attempt.lease.job.id in orders.lost:
                self._lose(attempt)
            elif attempt.lease.job.id in orders.cancel_requested:
                self._stop_attempt(attempt, StopReason.CANCELLED)
        if orders.order == "terminate":
            self._stop.set()
        elif not self._is_stopping:
            is_quiet = orders.order == "quiet"
            self._heart.status = "quiet" if is_quiet else "running"
            self._claimer.set_quiet(is_quiet=is_quiet)

    def _fail(self, error: IronForgeError) -> None:
        """End when the server refuses the worker from its beginning; later, a key may be put right."""
        if self._heart.worker_id is None and is_hopeless(error):
            self._fault = error
            self._stop.set()

    def _lose(self, attempt: Attempt) -> None:
        self._stop_attempt(attempt, StopReason.LEASE_LOST)
        if not attempt.is_recorded:  # the handler had ended before
            attempt.stop_reason = StopReason.LEASE_LOST
            self._changed(attempt)

    def _stop_attempt(self, attempt: Attempt, reason: StopReason) -> None:
        execution = self._executions.get(attempt.lease.token)
        if execution is not None:
            execution.stop(reason)

    async def _watch(self) -> None:
        """Stop handlers whose lease was not extended in time: somebody else may run their jobs by now."""
        while True:
            await asyncio.sleep(_WATCH_S)
            now = time.monotonic()
            for execution in list(self._executions.values()):
                if now > execution.attempt.trusted_until:
                    execution.stop(StopReason.LEASE_LOST)


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
