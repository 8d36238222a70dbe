"""One attempt, from start to ending: its handler runs on the event loop or in a thread, under a time limit."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
import types
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from functools import partial
from typing import Any

import msgspec
from django.db import close_old_connections

from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.payload import decode_json
from jobs.domain.trace import TraceContext
from jobs.telemetry import tracing
from jobs.telemetry.tracing import Span
from workers.context import Context, Reports, StopMark
from workers.ending import Ending, Raised, Returned, StopReason, settlement_of, undecodable, unknown_kind
from workers.middleware import HandlerFunction
from workers.registry import Handler, Registry

# How long an async handler may clean up after it was cancelled before its outcome is told without it.
CLEAN_UP_S = 1.0
_decode_payload = msgspec.json.Decoder().decode


class Execution:
    """A running attempt: `start_in_thread`, or `begin` and, if that says so, `go_on` in the same task.

    `on_settled` is called once with what to tell the store, or None when there is nothing to tell; `on_free` once when
    the handler has really ended. A thread cannot be killed: after a timeout the two are apart, and its slot stays taken
    in between.
    """

    __slots__ = (
        "_awaited",
        "_coroutine",
        "_mark",
        "_on_free",
        "_on_settled",
        "_reports",
        "_span",
        "_started",
        "_task",
        "_timer",
        "_variables",
        "handler",
        "is_settled",
        "lease",
        "stop_reason",
    )

    def __init__(
        self,
        lease: Lease,
        handler: Handler,
        stop: StopMark,
        on_settled: Callable[[Execution, Ending, Settlement | None], None],
        on_free: Callable[[Execution], None],
        *,
        reports: Reports,
    ) -> None:
        self.lease = lease
        self.handler = handler
        self.stop_reason: StopReason | None = None
        self.is_settled = False
        self._mark = stop
        self._on_settled = on_settled
        self._on_free = on_free
        self._reports = reports
        self._started = time.monotonic()
        # Of its own, so that what a handler sets is seen by nobody else.
        self._variables = contextvars.copy_context()
        self._coroutine: Coroutine[Any, Any, object]  # from the first step on
        self._awaited: object = None
        self._span: Span | None = None  # where tracing is on
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, payload: object) -> bool:
        """Run an async handler up to where it first waits for something; tell whether it does.

        Must be called in a task that is this attempt's alone for as long as it goes on.
        """
        self._begin_span()
        try:
            self._awaited = self._variables.run(self._first_step, payload)
        except StopIteration as end:
            self._end(Returned(end.value))
        except BaseException as error:  # noqa: BLE001 (whatever it is, even SystemExit, it ends this attempt and no more)
            self._end(Raised(error))
        else:
            return True
        return False

    async def go_on(self) -> None:
        """Run the rest of an async handler that waits."""
        self._task = asyncio.current_task()
        self._start_timer()
        ending: Ending
        try:
            ending = Returned(await _rest_of(self._coroutine, self._variables, self._awaited))
        except GeneratorExit:
            raise  # the event loop is gone: nobody is left to be told
        except BaseException as error:  # noqa: BLE001 (as above)
            ending = Raised(error)
        self._end(ending)

    def start_in_thread(self, payload: object, threads: Executor) -> None:
        """Start a plain handler; must be called on the event loop."""
        self._begin_span()
        future = asyncio.get_running_loop().run_in_executor(
            threads, self._variables.run, run_plain, self.handler.function, self._context(), payload
        )
        self._start_timer()
        future.add_done_callback(self._thread_ended)

    def stop(self, reason: StopReason) -> None:
        """Ask the handler to end; the first reason counts, except that a lost lease overrides all but a settled one."""
        if self.is_settled:
            return
        if self.stop_reason is None or reason in (StopReason.LEASE_LOST, StopReason.SHUTDOWN):
            self.stop_reason = reason
        self._mark.is_set = True
        if self._task is not None:
            self._task.cancel()
            asyncio.get_running_loop().call_later(CLEAN_UP_S, self.give_up)
        elif reason is not StopReason.CANCELLED:
            self.give_up()

    def give_up(self) -> None:
        """Tell the outcome without waiting for the handler any longer."""
        if not self.is_settled:
            self._settle(Raised(asyncio.CancelledError()))

    def _first_step(self, payload: object) -> object:
        try:
            coroutine = self.handler.function(self._context(), payload)
        except StopIteration as error:
            # From a plain function around the handler it would look like a coroutine's regular end.
            raise RuntimeError("the handler raised StopIteration") from error
        if type(coroutine) is not types.CoroutineType:
            coroutine = _result_of(coroutine)
        self._coroutine = coroutine
        return coroutine.send(None)

    def _begin_span(self) -> None:
        tracer = tracing.tracer()
        if tracer is not None and self._span is None:
            self._span = tracer.begin_run(self.lease, self._variables)

    def _trace(self) -> TraceContext | None:
        """Return where in a trace the handler is."""
        return (self._span and self._span.context) or self.lease.job.trace

    def _context(self) -> Context:
        return Context(self.lease, self._limit_ms(), self._mark, self._started, self._reports, trace=self._trace())

    def _limit_ms(self) -> int:
        return self.handler.time_limit_ms(self.lease.job.timeout_ms)

    def _start_timer(self) -> None:
        left_s = self._started + self._limit_ms() / 1000 - time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(left_s, self.stop, StopReason.TIMEOUT)

    def _thread_ended(self, future: asyncio.Future[Ending]) -> None:
        self._end(Raised(asyncio.CancelledError()) if future.cancelled() else future.result())

    def _end(self, ending: Ending) -> None:
        if not self.is_settled:
            self._settle(ending)
        self._on_free(self)

    def _settle(self, ending: Ending) -> None:
        self.is_settled = True
        if self._timer is not None:
            self._timer.cancel()
        duration_ms = round((time.monotonic() - self._started) * 1000)
        settlement = settlement_of(self.lease, self.handler, ending, self.stop_reason, duration_ms)
        if self._span is not None:
            settlement = _ended(self._span, settlement)
        self._on_settled(self, ending, settlement)


def _ended(span: Span, settlement: Settlement | None) -> Settlement | None:
    """End the span of an attempt; return its settlement with it."""
    if settlement is None:
        span.end(outcome="lease_lost", error_type="lease_lost")
        return None
    is_fault = settlement.outcome in (OutcomeKind.FAILED, OutcomeKind.DISCARDED, OutcomeKind.CRASHED)
    error_type = settlement.error.type if settlement.error else ""
    span.end(outcome=settlement.outcome.value, error_type=(error_type or settlement.outcome.value) if is_fault else "")
    return msgspec.structs.replace(settlement, trace=span.context)


def prepared(lease: Lease, registry: Registry) -> tuple[Handler, object] | Settlement:
    """Return the handler and the payload of a lease, or the outcome of a job that cannot even start."""
    handler = registry.find(lease.job.kind)
    if handler is None:
        return unknown_kind(lease)
    try:
        return handler, _payload_of(lease.job.payload or b"null")
    except (ValueError, RecursionError) as error:
        return undecodable(lease, error)


def _payload_of(data: bytes) -> object:
    try:
        return _decode_payload(data)
    except (msgspec.DecodeError, RecursionError):
        # Slower and more lenient, as with numbers beyond 64 bits; it decides what cannot be read.
        return decode_json(data)


@types.coroutine
def _rest_of(
    coroutine: Coroutine[Any, Any, object], variables: contextvars.Context, awaited: object
) -> Generator[Any, Any, object]:
    """Drive a coroutine that waits for `awaited`, as `yield from` does, but in a context of its own."""
    while True:
        try:
            value = yield awaited
        except BaseException as error:  # noqa: BLE001 (it is the coroutine's)
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, value)
        try:
            awaited = variables.run(step)
        except StopIteration as end:
            return end.value


async def _result_of(awaitable: Any) -> object:
    return await awaitable


def run_plain(function: HandlerFunction, context: Context, payload: object) -> Ending:
    """Call a plain handler in the present thread, and return how it ended; never raises."""
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
