"""The slots of one worker process: starts what was claimed, stops what must end, and knows how much room there is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

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
        self._backlog: deque[tuple[Lease, float]] = deque()
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
        for lease in leases:
            earlier = self._leases.hold(lease, sent)
            if earlier is not None and earlier.lease.token != lease.token:
                self.lose(earlier, "claimed_again")
            held = self._leases.get(lease)
            if self._is_draining or held is None or held.stop.is_stopped():
                self._release(lease)
            elif len(self._occupied) < self.concurrency:
                self._start(lease)
            else:
                self._backlog.append((lease, now))
                asyncio.get_running_loop().call_later(MAX_HOLD_S, self._release_overdue)

    def lose(self, held: Held, why: str) -> None:
        """Stop an attempt whose lease is lost; nothing will be told about it."""
        token = held.lease.token
        if self._outbox.holds(token):
            return  # it has ended: the store decides whether the outcome counts
        execution = self._occupied.get(token)
        waiting = [entry for entry in self._backlog if entry[0].token == token]
        if (execution is None or execution.is_settled) and not waiting:
            return
        job = held.lease.job
        log_event(self._logger, "lease.lost", level=logging.WARNING, job_id=job.id, kind=job.kind, at=why)
        self._leases.drop(job.id, token)
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

    def _start(self, lease: Lease) -> None:
        held = self._leases.get(lease)
        made = prepared(lease, self._registry)
        if isinstance(made, Settlement) or held is None:
            self._outbox.put(lease, made if isinstance(made, Settlement) else released(lease))
            return
        handler, payload = made
        execution = Execution(lease, handler, held.stop, self._settled, self._freed)
        self._occupied[lease.token] = execution
        job = lease.job
        log_event(self._logger, "job.started", level=logging.DEBUG, job_id=job.id, kind=job.kind, attempt=lease.attempt)
        execution.start(payload, self._threads)

    def _settled(self, execution: Execution, ending: Ending, settlement: Settlement | None) -> None:
        lease = execution.lease
        if settlement is None:
            self._leases.drop(lease.job.id, lease.token)
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
        if self._backlog:
            self._start(self._backlog.popleft()[0])
        self._on_room()

    def _release(self, lease: Lease) -> None:
        self._outbox.put(lease, released(lease))

    def _release_overdue(self) -> None:
        limit = time.monotonic() - MAX_HOLD_S
        while self._backlog and self._backlog[0][1] <= limit:
            self._release(self._backlog.popleft()[0])
