"""A running attempt: its handler runs on the event loop or in a thread of its own, under a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any

from ironforge_client.worker.attempt import Attempt, StopReason
from ironforge_client.worker.context import Context
from ironforge_client.worker.ending import Ending, Raised, Returned, settlement_of
from ironforge_client.worker.registry import Handler
from ironforge_client.worker.span import AttemptSpan

# How long an async handler may clean up after it was cancelled before its outcome is told without it.
CLEAN_UP_S = 1.0


class Execution:
    """Runs one attempt; all its methods are for the event loop.

    `changed` is called when the outcome is decided (`settlement`, or None for a lost lease) and when the handler has
    really ended. A thread cannot be killed: after a timeout the two are apart, and its slot stays taken in between.
    """

    def __init__(
        self, attempt: Attempt, handler: Handler, tell: Callable[[], None], changed: Callable[[Attempt], None]
    ) -> None:
        self.attempt = attempt
        self._handler = handler
        self._changed = changed
        self._tell = tell
        self._limit_s = handler.limit_s(attempt.lease.job.timeout_ms)
        self._span = AttemptSpan(attempt.lease.job, attempt.lease.attempt)
        self._context = Context(attempt, self._limit_s, tell, self._span.trace)
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._is_decided = False
        self._timer: asyncio.TimerHandle | None = None
        # Of a thread, which is noted before the loop hears of it.
        self._ending: Ending | None = None

    def start(self) -> None:
        """Begin. Raises RuntimeError when there are no more threads; then the handler has not begun."""
        if self._handler.is_async:
            self._task = self._loop.create_task(self._run())
        else:
            name = f"job-{self.attempt.lease.job.id}"
            # A daemon: one that does not stop must not keep the process from its end.
            threading.Thread(
                target=contextvars.copy_context().run, args=(self._run_in_thread,), name=name, daemon=True
            ).start()
        self._timer = self._loop.call_later(self._limit_s, self.stop, StopReason.TIMEOUT)

    def stop(self, reason: StopReason) -> None:
        """Ask the handler to end; the first reason counts, except that a lost lease and a shutdown override others."""
        if self._is_decided:
            return
        if self.attempt.stop_reason is None or reason in (StopReason.LEASE_LOST, StopReason.SHUTDOWN):
            self.attempt.stop_reason = reason
        if self._task is not None:
            self._task.cancel()
            self._loop.call_later(CLEAN_UP_S, self.give_up)
        elif reason is not StopReason.CANCELLED:
            self.give_up()

    def give_up(self) -> None:
        """Decide the outcome without waiting for the handler any longer."""
        self._decide(self._ending or Raised(asyncio.CancelledError()))

    async def _run(self) -> None:
        ending: Ending
        try:
            with self._span.current():
                ending = Returned(await self._call())
        except GeneratorExit:
            raise  # the event loop is gone: nobody is left to be told
        except BaseException as error:  # noqa: BLE001 (whatever it is, even SystemExit, it ends this attempt and no more)
            ending = Raised(error)
        self._end(ending)

    def _run_in_thread(self) -> None:
        ending: Ending
        try:
            with self._span.current():
                ending = Returned(self._call())
        except BaseException as error:  # noqa: BLE001 (as above)
            ending = Raised(error)
        if isinstance(ending, Returned) and inspect.iscoroutine(ending.value):
            ending.value.close()
            ending = Raised(TypeError("a plain handler returned a coroutine: make it `async def`"))
        self._ending = ending
        with contextlib.suppress(RuntimeError):  # the worker has stopped without this handler: its job was given back
            self._loop.call_soon_threadsafe(self._end, ending)

    def _call(self) -> Any:
        return self._handler.function(self._context, self.attempt.lease.job.payload)

    def _end(self, ending: Ending) -> None:
        self._decide(ending)
        self.attempt.is_ended = True
        self._changed(self.attempt)

    def _decide(self, ending: Ending) -> None:
        if self._is_decided:
            return
        self._is_decided = True
        if self._timer is not None:
            self._timer.cancel()
        self.attempt.settlement = settlement_of(self.attempt, ending, self._limit_s)
        self._span.end(self.attempt.settlement)
        if self.attempt.reports.has_some:
            self._tell()
        self._changed(self.attempt)
