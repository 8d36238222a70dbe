"""One attempt in a child process: unlike one in a thread it can be ended whatever its handler does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from jobs.domain.lease import Lease
from jobs.domain.outcome import Settlement
from jobs.domain.trace import TraceContext
from workers.context import Reports, StopMark
from workers.death import Death
from workers.ending import Crashed, Ending, Raised, StopReason, Told, released
from workers.execution import Execution
from workers.isolation.messages import Checkpoint, LogLine, Progress
from workers.registry import Handler

# A job is to blame after all when so many children died of it before they had called its handler.
MAX_EARLY_DEATHS = 3


class Place(Protocol):
    """Where an attempt waits for a child or runs in one."""

    def withdraw(self, attempt: IsolatedAttempt) -> None:
        """Let it wait no longer."""

    def ask(self, attempt: IsolatedAttempt) -> None:
        """Have its handler see that it should end, and end it if it does not within the grace."""

    def terminate(self, attempt: IsolatedAttempt, *, is_urgent: bool) -> None:
        """Interrupt its handler, unless it was, and kill the child if it does not end within the grace or 2 s."""


class IsolatedAttempt(Execution):
    """The worker's side of it. Its time runs from the moment in which a child has it; until then it only waits."""

    __slots__ = ("_early_deaths", "_place", "is_running")

    def __init__(
        self,
        lease: Lease,
        handler: Handler,
        mark: StopMark,
        on_settled: Callable[[Execution, Ending, Settlement | None], None],
        on_free: Callable[[Execution], None],
        *,
        reports: Reports,
        place: Place,
    ) -> None:
        super().__init__(lease, handler, mark, on_settled, on_free, reports=reports)
        self.is_running = False
        self._early_deaths = 0  # of children that had it and did not call its handler
        self._place = place

    @property
    def trusted_until(self) -> float:
        """Return until when its lease is ours (monotonic s)."""
        return self._mark.trusted_until

    @property
    def limit_ms(self) -> int:
        """Return its time limit."""
        return self._limit_ms()

    def started(self) -> float:
        """Note that a child has it from now on (monotonic s, returned)."""
        self.is_running = True
        self._begin_span()
        self._started = time.monotonic()
        self._start_timer()
        return self._started

    @property
    def trace(self) -> TraceContext | None:
        """Return where in a trace its handler is."""
        return self._trace()

    def died_early(self, death: Death) -> bool:
        """Note that its child died before its handler was called; tell whether it waits for another one now."""
        self.is_running = False
        if self._timer is not None:
            self._timer.cancel()
        self._early_deaths += 1
        if self.stop_reason is not None:
            self._end(Raised(asyncio.CancelledError()))
        elif self._early_deaths == MAX_EARLY_DEATHS:
            how = f"{MAX_EARLY_DEATHS} times before its handler was called: {death.ending}"
            self._end(Crashed(f"The process of the job ended {how}."))
        else:
            return True
        return False

    def said(self, told: Progress | LogLine | Checkpoint) -> None:
        """Bring what the handler said on its way to the store."""
        if isinstance(told, LogLine):
            self._reports.line(self.lease, told.level, told.text)
        elif isinstance(told, Checkpoint):
            self._reports.checkpoint(self.lease, told.data)
        else:
            self._reports.progress(self.lease, told.fraction, told.text)

    def ended(self, ending: Ending) -> None:
        """Tell how it ended, and that its slot is free; for its place."""
        self._end(ending)

    def stop(self, reason: StopReason) -> None:
        """Ask the handler to end: by word first where somebody cancelled, at once otherwise; the child dies if need be.

        Nothing is told before it has ended, so that no second attempt runs beside it.
        """
        if self.is_settled:
            return
        if self.stop_reason is None or reason in (StopReason.LEASE_LOST, StopReason.SHUTDOWN):
            self.stop_reason = reason
        self._mark.is_set = True
        if not self.is_running:
            self._leave()
        elif reason is StopReason.CANCELLED:
            self._place.ask(self)
        else:
            self._place.terminate(self, is_urgent=reason is StopReason.SHUTDOWN)

    def _leave(self) -> None:
        """End it before it began."""
        self._place.withdraw(self)
        if self.stop_reason is StopReason.SHUTDOWN:
            self.stop_reason = None
            self._end(Told(released(self.lease)))
        else:
            self._end(Raised(asyncio.CancelledError()))
