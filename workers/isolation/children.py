"""The children of a worker: started when a job needs one, used for one job after the other, replaced when they die."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

from jobs.domain.lease import Lease
from jobs.domain.outcome import Settlement
from jobs.telemetry.logs import log_event
from workers.context import Reports, StopMark
from workers.death import Death
from workers.ending import Crashed, Ending, Raised, Told, released
from workers.execution import Execution
from workers.isolation.attempt import IsolatedAttempt
from workers.isolation.child_state import Child
from workers.isolation.line import Line
from workers.isolation.messages import Ended, Start, packed
from workers.isolation.messages import Told as ToldByChild
from workers.isolation.spawner import Spawner
from workers.options import ChildOptions
from workers.registry import Handler

# How often the children learn until when their leases can be trusted, and whether one has been idle for too long.
TICK_S = 0.25
IDLE_S = 60.0
# After SIGKILL: when to tell the outcome although the kernel has not let go of the process.
LETS_GO_S = 2.0
# A line that ended without a death: the process does something else, or its death is on its way.
SILENT_S = 0.5
FORK_AGAIN_S = 0.5
# The longest grace while the worker stops: there must be time left to tell the store.
URGENT_S = 2.0


class Children:
    """All children of one worker; used on the event loop only."""

    def __init__(
        self,
        spawner: Spawner,
        options: ChildOptions,
        logger: logging.Logger,
        reports: Reports,
        on_lost: Callable[[], None],
    ) -> None:
        """`on_lost` is called when no child can be started any more."""
        self._spawner = spawner
        self._board = spawner.board
        self._options = options
        self._logger = logger
        self._reports = reports
        self._on_lost = on_lost
        self._is_lost = False
        self._numbers = 0
        self._children: dict[int, Child] = {}
        self._idle: list[Child] = []
        self._waiting: deque[IsolatedAttempt] = deque()
        self._unborn = 0  # of the children, those that were asked for and are not there yet
        self._fork_at = 0.0
        self._tick: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to hear of children; on the running event loop."""
        self._spawner.attach(self._started, self._died, self._refused, self._nobody_forks)

    def start(
        self,
        lease: Lease,
        handler: Handler,
        mark: StopMark,
        on_settled: Callable[[Execution, Ending, Settlement | None], None],
        on_free: Callable[[Execution], None],
    ) -> Execution:
        """Return an attempt that runs in a child, or waits for one."""
        attempt = IsolatedAttempt(lease, handler, mark, on_settled, on_free, reports=self._reports, place=self)
        self._waiting.append(attempt)
        asyncio.get_running_loop().call_soon(self._serve)
        return attempt

    def close(self) -> None:
        """End all children."""
        if self._tick is not None:
            self._tick.cancel()
        for child in self._children.values():
            child.line.close()
        self._spawner.close()

    def withdraw(self, attempt: IsolatedAttempt) -> None:
        """Let an attempt wait no longer."""
        self._waiting.remove(attempt)

    def ask(self, attempt: IsolatedAttempt) -> None:
        """Show the handler that it should end, and interrupt it after the grace."""
        child = self._child_of(attempt)
        self._board.stop(child.row, child.number)
        self._later(self._options.grace_s, self._interrupt, child)

    def terminate(self, attempt: IsolatedAttempt, *, is_urgent: bool) -> None:
        """Interrupt the handler, and kill the child after the grace."""
        child = self._child_of(attempt)
        self._interrupt(child, child.number)
        if is_urgent:
            self._later(min(URGENT_S, self._options.grace_s), self._kill, child)

    def _interrupt(self, child: Child, number: int) -> None:
        if child.number == number and not child.is_signalled:
            child.is_signalled = True
            self._board.stop(child.row, number)
            self._spawner.signal(child.row, signal.SIGTERM)
            self._later(self._options.grace_s, self._kill, child)

    def _kill(self, child: Child, number: int) -> None:
        if child.number == number and self._children.get(child.row) is child:
            self._spawner.signal(child.row, signal.SIGKILL)
            self._later(LETS_GO_S, self._give_up, child)

    def _give_up(self, child: Child, number: int) -> None:
        if child.number == number and child.attempt is not None:
            log_event(self._logger, "child.stuck", level=logging.ERROR, pid=child.pid)
            child.attempt.give_up()

    def _later(self, seconds: float, act: Callable[[Child, int], None], child: Child) -> None:
        """Act on a child unless it has another attempt by then."""
        asyncio.get_running_loop().call_later(seconds, act, child, child.number)

    def _child_of(self, attempt: IsolatedAttempt) -> Child:
        return next(child for child in self._children.values() if child.attempt is attempt)

    def _serve(self) -> None:
        """Give the attempts that wait to children, as long as there are any."""
        while self._waiting and self._is_lost:
            attempt = self._waiting.popleft()
            attempt.ended(Told(released(attempt.lease)))
        while self._waiting and (child := self._free_child()) is not None:
            self._give(child, self._waiting.popleft())
        # A child is given none before it is there: the system may refuse it, or take its time.
        while self._unborn < len(self._waiting) and self._fork():
            pass

    def _give(self, child: Child, attempt: IsolatedAttempt) -> None:
        self._numbers += 1
        child.number, child.attempt = self._numbers, attempt
        self._board.begin(child.row, attempt.trusted_until)
        started = attempt.started()
        child.line.send(packed(Start(child.number, attempt.lease, attempt.limit_ms, started, attempt.trace)))

    def _free_child(self) -> Child | None:
        while self._idle:
            child = self._idle.pop()
            if not self._is_due(child, 0):
                return child
        return None

    def _staying(self) -> list[Child]:
        return [child for child in self._children.values() if not child.is_leaving]

    def _fork(self) -> bool:
        """Ask for one more child; tell whether it is on its way, for there may be enough of them."""
        row = next((row for row in range(self._board.rows) if row not in self._children), None)
        if row is None or time.monotonic() < self._fork_at or len(self._staying()) >= self._options.limit:
            return False
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            self._not_forked(error.errno or 0)
            return False
        child = Child(row, Line(ours, lambda told: self._told(child, told), lambda: self._silent(child)))
        self._children[row] = child
        self._unborn += 1
        self._spawner.fork(row, theirs)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_S, self._look)
        return True

    def _is_due(self, child: Child, resident_bytes: int) -> bool:
        """Let a child go that has worked enough; tell whether it is one."""
        reason = self._options.recycling.reason(child.jobs, time.monotonic() - child.born, resident_bytes)
        if reason is not None:
            log_event(self._logger, "child.recycled", pid=child.pid, reason=reason, jobs=child.jobs)
            self._let_go(child)
        return reason is not None

    def _let_go(self, child: Child) -> None:
        """Hang up; a child that does not end then is killed."""
        child.is_leaving = True
        child.line.close()
        self._later(SILENT_S, self._kill, child)

    def _told(self, child: Child, told: ToldByChild) -> None:
        attempt = child.attempt
        if attempt is None or told.number != child.number:
            return
        if isinstance(told, Ended):
            self._ended(child, attempt, told)
        else:
            attempt.said(told)

    def _ended(self, child: Child, attempt: IsolatedAttempt, told: Ended) -> None:
        child.attempt, child.number = None, 0
        child.jobs += 1
        child.idle_since = time.monotonic()
        # An interruption may have left anything half done, and programs that nobody waits for any more.
        if child.is_signalled:
            self._let_go(child)
            self._spawner.signal(child.row, signal.SIGKILL)
        elif not (child.is_dead or self._is_due(child, told.resident_bytes)):
            self._idle.append(child)
        attempt.ended(Told(told.settlement, told.is_stopped, told.dropped))
        self._serve()

    def _silent(self, child: Child) -> None:
        self._later(SILENT_S, self._kill, child)

    def _started(self, row: int, pid: int) -> None:
        child = self._children[row]
        self._unborn -= 1
        child.pid = pid
        child.idle_since = time.monotonic()
        log_event(self._logger, "child.started", level=logging.DEBUG, pid=pid)
        self._idle.append(child)
        self._serve()

    def _died(self, row: int, death: Death) -> None:
        child = self._children[row]
        child.is_dead = True
        child.line.drain()
        child.line.close()
        del self._children[row]
        if child in self._idle:
            self._idle.remove(child)
        if not (child.is_leaving or child.is_signalled):
            told = {"pid": death.pid, "how": death.ending, **child.job_fields}
            log_event(self._logger, "child.died", level=logging.WARNING, **told)
        if child.attempt is not None:
            self._judge(child, child.attempt, death)
        self._serve()

    def _judge(self, child: Child, attempt: IsolatedAttempt, death: Death) -> None:
        """Tell what the death of a child was to its attempt."""
        number, child.attempt, child.number = child.number, None, 0
        if child.is_signalled:
            attempt.ended(Raised(asyncio.CancelledError()))
        elif self._board.has_begun(child.row, number):
            attempt.ended(Crashed(f"The process of the job ended: {death.ending}."))
        elif attempt.died_early(death):
            self._waiting.appendleft(attempt)
            self._fork_later()

    def _refused(self, row: int, number: int) -> None:
        child = self._children.pop(row, None)
        if child is not None:
            self._unborn -= 1
            child.line.close()
            self._not_forked(number)

    def _not_forked(self, number: int) -> None:
        log_event(self._logger, "child.not_forked", level=logging.ERROR, reason=os.strerror(number))
        self._fork_later()

    def _fork_later(self) -> None:
        self._fork_at = time.monotonic() + FORK_AGAIN_S
        asyncio.get_running_loop().call_later(FORK_AGAIN_S, self._serve)

    def _nobody_forks(self) -> None:
        """Tell of the attempts that ended with all children, and give those back that wait."""
        log_event(self._logger, "children.lost", level=logging.CRITICAL)
        self._is_lost = True
        for attempt in self._lost():
            attempt.ended(Crashed("The process of the job ended with the one that forks them."))
        self._serve()
        self._on_lost()

    def _lost(self) -> Iterator[IsolatedAttempt]:
        for child in list(self._children.values()):
            child.line.drain()
            child.line.close()
            if child.attempt is not None:
                yield child.attempt
        self._children.clear()
        self._idle.clear()
        self._unborn = 0

    def _look(self) -> None:
        """Pass on how long leases are trusted, and end what has been idle for long."""
        for child in self._children.values():
            if child.attempt is not None:
                self._board.trust(child.row, child.attempt.trusted_until)
        limit = time.monotonic() - IDLE_S
        for child in [child for child in self._idle if child.idle_since < limit]:
            self._idle.remove(child)
            self._let_go(child)
        self._tick = asyncio.get_running_loop().call_later(TICK_S, self._look) if self._children else None
