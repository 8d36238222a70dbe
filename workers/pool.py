"""The slots of one worker process: starts what was claimed, stops what must end, and knows how much room there is."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, cast

from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.telemetry.logs import log_event
from workers.child_pool import ChildPool
from workers.context import Reports
from workers.ending import Ending, Returned, StopReason, Told, encode_result, released
from workers.execution import Execution, prepared
from workers.lease_table import Held, LeaseTable
from workers.registry import Registry

# A job claimed ahead that finds no slot within this time is better run by another worker.
MAX_HOLD_S = 0.1
# How long quick handlers may run one after the other before the loop looks at anything else.
SLICE_S = 0.002
# A thread that goes on for so long after its end was told is reported.
STUCK_AFTER_S = 1.0


class Outcomes(Protocol):
    """Where outcomes wait until the store has them."""

    def put(self, lease: Lease, settlement: Settlement) -> None:
        """Add an outcome."""

    def holds(self, token: str) -> bool:
        """Tell whether the outcome of this attempt waits here."""


class AttemptReports(Reports, Protocol):
    """Where what attempts say of themselves waits until the store has it."""

    def knows(self, token: str) -> bool:
        """Tell whether the attempt has said anything."""

    def tell_rest(self, token: str, then: Callable[[], object]) -> None:
        """Call `then`, in any thread, once the store has all of it."""

    def forget(self, token: str) -> None:
        """Drop what it said."""


class Pool:
    """Runs up to `concurrency` attempts; used on the event loop only."""

    def __init__(
        self,
        registry: Registry,
        leases: LeaseTable,
        outbox: Outcomes,
        concurrency: int,
        *,
        logger: logging.Logger,
        on_room: Callable[[], None],
        reports: AttemptReports,
        children: ChildPool | None = None,
    ) -> None:
        """`children` run the handlers with isolation `process`, where there are any."""
        self.concurrency = concurrency
        self.ended = 0  # attempts whose slot became free, since the beginning
        self._registry = registry
        self._leases = leases
        self._outbox = outbox
        self._logger = logger
        self._on_room = on_room
        self._reports = reports
        # Attempts whose outcome waits for what they said to be told first.
        self._telling = 0
        self._children = children
        self._occupied: dict[str, Execution] = {}
        self._backlog: deque[tuple[Held, float]] = deque()
        self._starter: asyncio.Task[None] | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._is_draining = False
        # Threads appear when they are needed; slots bound their number, stuck ones included.
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="ironforge-handler")

    def room(self) -> int:
        """Return the free slots that nothing waits for; negative when jobs were claimed ahead."""
        return self.concurrency - len(self._occupied) - len(self._backlog)

    def occupied(self) -> int:
        """Return the slots in use, those of handlers that ignore their end included."""
        return len(self._occupied)

    def unsettled(self) -> int:
        """Return the attempts whose outcome is not known yet."""
        return sum(not execution.is_settled for execution in self._occupied.values()) + self._telling

    def take(self, leases: Sequence[Lease], sent: float) -> None:
        """Run what a claim sent at `sent` (monotonic s) brought; what cannot be run in time is released."""
        self._queue_up(leases, sent)
        self._start_starter()
        self._watch_backlog()

    async def take_here(self, leases: Sequence[Lease], sent: float) -> None:
        """Do the same, but run a single one in the present task, which must be of no other use: no wait for a turn."""
        self._queue_up(leases, sent)
        if self._starter is None and len(self._backlog) == 1 and len(self._occupied) < self.concurrency:
            self._starter = cast("asyncio.Task[None]", asyncio.current_task())
            await self._start_waiting()
        else:
            self._start_starter()
            self._watch_backlog()

    def _queue_up(self, leases: Sequence[Lease], sent: float) -> None:
        now = time.monotonic()
        for held, earlier in self._leases.hold(leases, sent):
            if earlier is not None and earlier.lease.token != held.lease.token:
                self.lose(earlier, "claimed_again")
            if self._is_draining or held.is_stopped():
                self._release(held)
            else:
                self._backlog.append((held, now))

    def lose(self, held: Held, why: str) -> None:
        """Stop an attempt whose lease is lost; nothing will be told about it."""
        token = held.lease.token
        if self._outbox.holds(token):
            return  # it has ended: the store decides whether the outcome counts
        execution = self._occupied.get(token)
        waiting = [entry for entry in self._backlog if entry[0] is held]
        if (execution is None or execution.is_settled) and not waiting:
            return
        job = held.lease.job
        log_event(self._logger, "lease.lost", level=logging.WARNING, job_id=job.id, kind=job.kind, at=why)
        self._leases.drop([held.lease])
        for entry in waiting:
            self._backlog.remove(entry)
        if execution is not None:
            execution.stop(StopReason.LEASE_LOST)

    def cancel(self, held: Held) -> None:
        """Ask a running attempt to stop because somebody cancelled the job."""
        execution = self._occupied.get(held.lease.token)
        if execution is not None and execution.stop_reason is None:
            execution.stop(StopReason.CANCELLED)

    def drain(self) -> None:
        """Start nothing more; what has not started is released."""
        self._is_draining = True
        while self._backlog:
            self._release(self._backlog.popleft()[0])

    def release_all(self) -> None:
        """Stop every attempt and give its job back unused."""
        for execution in list(self._occupied.values()):
            execution.stop(StopReason.SHUTDOWN)

    def open(self) -> None:
        """Make ready, on the running event loop."""
        if self._children is not None:
            self._children.open()

    def close(self) -> None:
        """End the children and let the idle threads end; a thread that still runs a handler is left behind."""
        if self._children is not None:
            self._children.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start_starter(self) -> None:
        if self._starter is None and self._backlog and len(self._occupied) < self.concurrency:
            self._starter = asyncio.get_running_loop().create_task(self._start_waiting())

    async def _start_waiting(self) -> None:
        """Start what waits, one after the other in this task.

        A handler that ends without waiting for anything never has a task of its own, which would cost more than the
        rest of its way. One that waits keeps this task, and another goes on with the backlog.
        """
        task = cast("asyncio.Task[None]", asyncio.current_task())
        known_by = sys.getrefcount(task)
        yield_at = time.monotonic() + SLICE_S
        while self._backlog and len(self._occupied) < self.concurrency:
            execution = self._start(*self._backlog.popleft())
            if execution is not None:
                self._go_on_without(task)
                await execution.go_on()
                return
            if task.cancelling() or sys.getrefcount(task) > known_by:
                break  # the handler cancelled the task, or gave it to somebody who may: it must serve no other
            if time.monotonic() > yield_at:
                await asyncio.sleep(0)
                yield_at = time.monotonic() + SLICE_S
        self._go_on_without(task)

    def _go_on_without(self, task: asyncio.Task[None]) -> None:
        if self._starter is task:
            self._starter = None
            self._start_starter()

    def _start(self, held: Held, since: float) -> Execution | None:
        """Start one attempt; return it if it has to go on in the present task."""
        lease = held.lease
        made = prepared(lease, self._registry)
        if time.monotonic() - since > MAX_HOLD_S:
            made = released(lease, "not_started_in_time")
        if isinstance(made, Settlement):
            self._outbox.put(lease, made)
            return None
        handler, payload = made
        if self._logger.isEnabledFor(logging.DEBUG):
            job, attempt = lease.job, lease.attempt
            log_event(self._logger, "job.started", level=logging.DEBUG, job_id=job.id, kind=job.kind, attempt=attempt)
        if handler.isolation == "process" and self._children is not None:
            self._occupied[lease.token] = self._children.start(lease, handler, held, self._settled, self._freed)
            return None
        execution = Execution(lease, handler, held, self._settled, self._freed, reports=self._reports)
        self._occupied[lease.token] = execution
        if handler.isolation == "async":
            return execution if execution.begin(payload) else None
        execution.start_in_thread(payload, self._threads)
        return None

    def _settled(self, execution: Execution, ending: Ending, settlement: Settlement | None) -> None:
        lease = execution.lease
        if execution.stop_reason is not None and execution.handler.isolation == "thread":
            asyncio.get_running_loop().call_later(STUCK_AFTER_S, self._tell_stuck, execution)
        if settlement is None:
            self._leases.drop([lease])
            self._reports.forget(lease.token)
            return
        reason = _why_dropped(ending, settlement)
        if reason:
            job = lease.job
            level = logging.WARNING
            log_event(self._logger, "worker.result_dropped", level=level, job_id=job.id, kind=job.kind, reason=reason)
        if self._reports.knows(lease.token):
            # Nobody is heard any more once the end is known, so that comes last.
            self._telling += 1
            loop = asyncio.get_running_loop()
            self._reports.tell_rest(lease.token, partial(loop.call_soon_threadsafe, self._told, lease, settlement))
        else:
            self._outbox.put(lease, settlement)

    def _told(self, lease: Lease, settlement: Settlement) -> None:
        self._telling -= 1
        self._outbox.put(lease, settlement)

    def _tell_stuck(self, execution: Execution) -> None:
        """Say that a handler goes on in its thread, and keeps its slot, after its end was told."""
        if self._occupied.get(execution.lease.token) is execution:
            job, why = execution.lease.job, execution.stop_reason
            log_event(self._logger, "handler.stuck", level=logging.WARNING, job_id=job.id, kind=job.kind, reason=why)

    def _freed(self, execution: Execution) -> None:
        self.ended += 1
        del self._occupied[execution.lease.token]
        self._start_starter()
        self._on_room()

    def _release(self, held: Held) -> None:
        self._outbox.put(held.lease, released(held.lease))

    def _watch_backlog(self) -> None:
        """Look again when the oldest of what waits has waited for too long; one timer serves all."""
        if self._backlog and self._overdue is None:
            left_s = self._backlog[0][1] + MAX_HOLD_S - time.monotonic()
            self._overdue = asyncio.get_running_loop().call_later(left_s, self._release_overdue)

    def _release_overdue(self) -> None:
        self._overdue = None
        limit = time.monotonic() - MAX_HOLD_S
        while self._backlog and self._backlog[0][1] <= limit:
            self._release(self._backlog.popleft()[0])
        self._watch_backlog()


def _why_dropped(ending: Ending, settlement: Settlement) -> str:
    """Return why the value of a handler is not kept, "" when it is, or when there is none."""
    if settlement.outcome is not OutcomeKind.COMPLETED or settlement.result is not None:
        return ""
    if isinstance(ending, Told):
        return ending.dropped
    return encode_result(ending.value).dropped if isinstance(ending, Returned) else ""
