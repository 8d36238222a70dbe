"""The slots of one worker process: starts what was claimed, stops what must end, and knows how much room there is."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.telemetry.logs import log_event
from workers.ending import Ending, Returned, StopReason, encode_result, released
from workers.execution import Execution, prepared
from workers.lease_table import Held, LeaseTable
from workers.outbox import Outbox
from workers.registry import Registry

# A job claimed ahead that finds no slot within this time is better run by another worker.
MAX_HOLD_S = 0.1
# How long quick handlers may run one after the other before the loop looks at anything else.
SLICE_S = 0.002


class Pool:
    """Runs up to `concurrency` attempts; used on the event loop only."""

    def __init__(
        self,
        registry: Registry,
        leases: LeaseTable,
        outbox: Outbox,
        concurrency: int,
        *,
        logger: logging.Logger,
        on_room: Callable[[], None],
    ) -> None:
        self.concurrency = concurrency
        self.ended = 0  # attempts whose slot became free, since the beginning
        self._registry = registry
        self._leases = leases
        self._outbox = outbox
        self._logger = logger
        self._on_room = on_room
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
        return sum(not execution.is_settled for execution in self._occupied.values())

    def take(self, leases: Sequence[Lease], sent: float) -> None:
        """Run what a claim sent at `sent` (monotonic s) brought; what cannot be run in time is released."""
        now = time.monotonic()
        for held, earlier in self._leases.hold(leases, sent):
            if earlier is not None and earlier.lease.token != held.lease.token:
                self.lose(earlier, "claimed_again")
            if self._is_draining or held.is_stopped():
                self._release(held)
            else:
                self._backlog.append((held, now))
        self._start_starter()
        self._watch_backlog()

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

    def close(self) -> None:
        """Let the idle threads end; a thread that still runs a handler is left behind."""
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
            made = released(lease)
        if isinstance(made, Settlement):
            self._outbox.put(lease, made)
            return None
        handler, payload = made
        if self._logger.isEnabledFor(logging.DEBUG):
            job, attempt = lease.job, lease.attempt
            log_event(self._logger, "job.started", level=logging.DEBUG, job_id=job.id, kind=job.kind, attempt=attempt)
        execution = Execution(lease, handler, held, self._settled, self._freed)
        self._occupied[lease.token] = execution
        if handler.isolation == "async":
            return execution if execution.begin(payload) else None
        execution.start_in_thread(payload, self._threads)
        return None

    def _settled(self, execution: Execution, ending: Ending, settlement: Settlement | None) -> None:
        lease = execution.lease
        if settlement is None:
            self._leases.drop([lease])
            return
        if (
            settlement.outcome is OutcomeKind.COMPLETED
            and settlement.result is None
            and isinstance(ending, Returned)
            and ending.value is not None
        ):
            reason = encode_result(ending.value).dropped
            log_event(
                self._logger,
                "worker.result_dropped",
                level=logging.WARNING,
                job_id=lease.job.id,
                kind=lease.job.kind,
                reason=reason,
            )
        self._outbox.put(lease, settlement)

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
