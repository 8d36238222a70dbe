"""One attempt, from start to ending: its handler runs on the event loop or in a thread, under a time limit."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
from collections.abc import Callable
from concurrent.futures import Executor

from django.db import close_old_connections

from jobs.domain.lease import Lease
from jobs.domain.outcome import Settlement
from jobs.domain.payload import decode_json
from jobs.telemetry.logs import get_logger
from workers.context import Context, StopMark, context_of
from workers.ending import Ending, Raised, Returned, StopReason, settlement_of, undecodable, unknown_kind
from workers.registry import Handler, HandlerFunction, Registry

# How long an async handler may clean up after it was cancelled before its outcome is told without it.
CLEAN_UP_S = 1.0
_handler_log = get_logger("handler")


class Execution:
    """A running attempt.

    `on_settled` is called once with what to tell the store, or None when there is nothing to tell; `on_free` once when
    the handler has really ended. A thread cannot be killed: after a timeout the two are apart, and its slot stays taken
    in between.
    """

    def __init__(
        self,
        lease: Lease,
        handler: Handler,
        stop: StopMark,
        on_settled: Callable[[Execution, Ending, Settlement | None], None],
        on_free: Callable[[Execution], None],
    ) -> None:
        self.lease = lease
        self.handler = handler
        self.stop_reason: StopReason | None = None
        self.is_settled = False
        self._mark = stop
        self._on_settled = on_settled
        self._on_free = on_free
        self._started = time.monotonic()
        self._future: asyncio.Future[Ending] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, payload: object, threads: Executor) -> None:
        """Start the handler; must be called on the event loop."""
        loop = asyncio.get_running_loop()
        limit_ms = self.handler.time_limit_ms(self.lease.job.timeout_ms)
        context = context_of(self.lease, limit_ms, self._mark, _handler_log)
        if self.handler.isolation == "async":
            self._future = loop.create_task(_run_async(self.handler.function, context, payload))
        else:
            variables = contextvars.copy_context()
            self._future = loop.run_in_executor(
                threads, variables.run, _run_in_thread, self.handler.function, context, payload
            )
        self._timer = loop.call_later(limit_ms / 1000, self.stop, StopReason.TIMEOUT)
        self._future.add_done_callback(self._ended)

    def stop(self, reason: StopReason) -> None:
        """Ask the handler to end; the first reason counts, except that a lost lease overrides all but a settled one."""
        if self._future is None or self.is_settled:
            return
        if self.stop_reason is None or reason in (StopReason.LEASE_LOST, StopReason.SHUTDOWN):
            self.stop_reason = reason
        self._mark.is_set = True
        if self.handler.isolation == "async":
            self._future.cancel()
            asyncio.get_running_loop().call_later(CLEAN_UP_S, self.give_up)
        elif reason is not StopReason.CANCELLED:
            self.give_up()

    def give_up(self) -> None:
        """Tell the outcome without waiting for the handler any longer."""
        if not self.is_settled:
            self._settle(Raised(asyncio.CancelledError()))

    def _ended(self, future: asyncio.Future[Ending]) -> None:
        if not self.is_settled:
            # A task cancelled before its first step never reached the code that catches this.
            self._settle(Raised(asyncio.CancelledError()) if future.cancelled() else future.result())
        self._on_free(self)

    def _settle(self, ending: Ending) -> None:
        self.is_settled = True
        if self._timer is not None:
            self._timer.cancel()
        duration_ms = round((time.monotonic() - self._started) * 1000)
        settlement = settlement_of(self.lease, self.handler, ending, self.stop_reason, duration_ms)
        self._on_settled(self, ending, settlement)


def prepared(lease: Lease, registry: Registry) -> tuple[Handler, object] | Settlement:
    """Return the handler and the payload of a lease, or the outcome of a job that cannot even start."""
    handler = registry.find(lease.job.kind)
    if handler is None:
        return unknown_kind(lease)
    try:
        return handler, decode_json(lease.job.payload or b"null")
    except (ValueError, RecursionError) as error:
        return undecodable(lease, error)


async def _run_async(function: HandlerFunction, context: Context, payload: object) -> Ending:
    try:
        return Returned(await function(context, payload))
    except BaseException as error:  # noqa: BLE001 (whatever it is, even SystemExit, it ends this attempt and no more)
        return Raised(error)


def _run_in_thread(function: HandlerFunction, context: Context, payload: object) -> Ending:
    try:
        # As Django does around a request: connections too old or broken are not used again.
        close_old_connections()
        value = function(context, payload)
        if inspect.iscoroutine(value):
            value.close()
            return Raised(TypeError("the handler is a plain function that returned a coroutine: make it `async def`"))
        return Returned(value)
    except BaseException as error:  # noqa: BLE001 (as above)
        return Raised(error)
    finally:
        close_old_connections()
