"""One life of a worker, from its registration to its farewell, on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Sequence

from ironforge_client.connection import AsyncConnection, Place
from ironforge_client.errors import IronForgeError
from ironforge_client.worker.attempt import Attempt, StopReason
from ironforge_client.worker.claimer import Claimer
from ironforge_client.worker.desk import Desk
from ironforge_client.worker.ending import released, unknown_kind
from ironforge_client.worker.execution import CLEAN_UP_S, Execution
from ironforge_client.worker.heart import Heart, is_hopeless
from ironforge_client.worker.lease_table import LeaseTable
from ironforge_client.worker.protocol import Document, Lease, Options, Orders
from ironforge_client.worker.registry import Registry

_log = logging.getLogger("ironforge.worker")
# How often leases are compared with the clock.
_WATCH_S = 0.1
# How long a job is kept that could not be begun, for want of a thread.
_NO_START_S = 1.0
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
        self._desk = Desk(self._connection, self._leases, self._changed, options.app_version)
        self._claimer = Claimer(
            self._connection, options, self._leases, self._heart, taken=self._begin, unwanted=self._give_back
        )
        self._executions: dict[str, Execution] = {}
        self._is_stopping = False
        self._stop = asyncio.Event()
        self._empty = asyncio.Event()
        self._grace_s = options.grace_s
        self._hurry = asyncio.Event()
        self._fault: BaseException | None = None

    def stop(self) -> None:
        """Begin the orderly end; a second time: do not wait for running jobs."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop` or the order to terminate. Raises IronForgeError when the server refuses the worker.

        Whatever ends it, running jobs are stopped, outcomes are told and the heart with all its leases comes to rest.
        """
        async with contextlib.AsyncExitStack() as ends:  # the last first, each whatever became of those before it
            ends.push_async_callback(self._connection.close)
            self._heart.start()
            ends.push_async_callback(self._say_farewell)
            ends.push_async_callback(self._desk.last_words)
            ends.push_async_callback(_ended, self._task(self._desk.work()))
            ends.push_async_callback(_ended, self._task(self._watch()))
            ends.push_async_callback(self._drain)
            ends.push_async_callback(_ended, self._task(self._claimer.work()))
            ends.callback(self._begin_to_stop)
            try:
                await self._stop.wait()
            except asyncio.CancelledError:
                self._hurry.set()
                raise
        if self._fault is not None:
            raise self._fault

    def _task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Return a task whose fault ends this life."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._see_end)
        return task

    def _see_end(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            self._end_of(fault)

    def _end_of(self, fault: BaseException) -> None:
        if self._fault is None:
            _log.error("the worker ends: %r", fault)
            self._fault = fault
        self._stop.set()

    def _begin_to_stop(self) -> None:
        self._is_stopping = True
        self._heart.status = "draining"
        self._heart.beat_now()

    async def _say_farewell(self) -> None:
        self._heart.end()
        try:
            await asyncio.to_thread(self._heart.stop)
        except RuntimeError:  # no more threads
            self._heart.stop()

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
            self._settle_unbegun(attempt, released(attempt) if self._is_stopping else unknown_kind(attempt))
            return
        try:
            execution = Execution(attempt, handler, self._desk.tell, self._changed)
            self._executions[lease.token] = execution
            attempt.has_begun = True
            execution.start()
        except Exception:  # noqa: BLE001 (its lease must not be extended for ever)
            _log.exception("job %s could not be begun", lease.job.id)
            attempt.has_begun = False
            self._executions.pop(lease.token, None)
            # Not at once, for it would be here again at once.
            self._loop.call_later(_NO_START_S, self._settle_unbegun, attempt, released(attempt))

    def _give_back(self, lease: Lease, trusted_until: float) -> None:
        """Release a job that came when no more were to be taken."""
        attempt = Attempt(lease, trusted_until)
        if self._leases.add(attempt):
            self._empty.clear()
            self._settle_unbegun(attempt, released(attempt))

    def _settle_unbegun(self, attempt: Attempt, settlement: Document) -> None:
        attempt.settlement = settlement
        attempt.is_ended = True
        self._changed(attempt)

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
            self._end_of(error)

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
            if not self._heart.is_beating and self._fault is None:
                self._end_of(RuntimeError("the thread that extends the leases has ended"))
            now = time.monotonic()
            for execution in list(self._executions.values()):
                if now > execution.attempt.trusted_until:
                    execution.stop(StopReason.LEASE_LOST)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
