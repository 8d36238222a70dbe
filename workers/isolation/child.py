"""What runs in a child process: one handler after the other, in its main and only thread."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import cast

from django.db import connections

from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.telemetry import tracing
from workers.context import Context
from workers.ending import Ending, Raised, Returned, encode_result, settlement_of
from workers.execution import prepared, run_plain
from workers.isolation.board import Board, BoardMark
from workers.isolation.child_line import ChildLine, ChildReports
from workers.isolation.grandchild_signals import GrandchildSignals, not_for_children
from workers.isolation.messages import Ended, Start, decode_start
from workers.memory import resident_bytes
from workers.middleware import HandlerFunction
from workers.registry import Handler, Registry
from workers.verdict import Cancelled


class ChildProcess:
    """Runs what comes over its line until that closes. SIGTERM interrupts an attempt that its worker wants to stop."""

    def __init__(self, line: socket.socket, board: Board, row: int, registry: Registry) -> None:
        self._line = ChildLine(line)
        self._board = board
        self._row = row
        self._registry = registry
        self._pid = os.getpid()
        # The attempt that may be interrupted now, 0 for none.
        self._number = 0
        self._task: asyncio.Task[Returned | Raised] | None = None

    def run(self) -> None:
        """Work until the worker closes the line, or is gone."""
        forks = GrandchildSignals(self._asked_to_stop)
        os.register_at_fork(before=forks.hold, after_in_parent=forks.release, after_in_child=forks.reset)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._take_signals()
            while body := self._line.receive():
                self._line.send(self._ended(decode_start(body)))
                self._take_signals()
        connections.close_all()
        tracing.stop()

    def _take_signals(self) -> None:
        """Undo what a handler may have done about signals."""
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        signal.signal(signal.SIGINT, not_for_children)
        signal.siginterrupt(signal.SIGINT, False)

    def _ended(self, start: Start) -> Ended:
        made = prepared(start.lease, self._registry)
        if isinstance(made, Settlement):
            return Ended(start.number, made, False, "", resident_bytes())
        handler, payload = made
        mark = BoardMark(self._board, self._row, start.number)
        reports = ChildReports(self._line, start.number)
        context = Context(start.lease, start.time_limit_ms, mark, start.started, reports, trace=start.trace)
        ending = self._run_in_trace(handler, context, payload, start.number)
        if os.getpid() != self._pid:
            os._exit(0)  # the handler forked, and let the copy return as well
        duration_ms = round((time.monotonic() - start.started) * 1000)
        settlement = cast("Settlement", settlement_of(start.lease, handler, ending, None, duration_ms))
        dropped = ""
        if isinstance(ending, Returned) and settlement.outcome is OutcomeKind.COMPLETED and settlement.result is None:
            dropped = encode_result(ending.value).dropped
        is_stopped = isinstance(ending, Raised) and isinstance(ending.error, Cancelled | asyncio.CancelledError)
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        return Ended(start.number, settlement, is_stopped, dropped, resident_bytes())

    def _run_in_trace(self, handler: Handler, context: Context, payload: object, number: int) -> Ending:
        """Run a handler; what it traces itself is a part of the worker's span."""
        tracer = tracing.tracer() if context.trace is not None else None
        if tracer is None or context.trace is None:
            return self._run(handler, context, payload, number)
        variables = contextvars.copy_context()
        variables.run(tracer.enter, context.trace)
        return variables.run(self._run, handler, context, payload, number)

    def _run(self, handler: Handler, context: Context, payload: object, number: int) -> Ending:
        function = handler.function
        if inspect.iscoroutinefunction(inspect.unwrap(function)):
            function = self._on_loop_of_its_own(function)
        if self._board.is_stopped(self._row, number):
            return Raised(Cancelled())
        self._board.note_begun(self._row, number)
        try:
            self._number = number
            ending = run_plain(function, context, payload)
            self._number = 0
        except Cancelled as stopped:  # it came between two lines of ours
            ending = Raised(stopped)
        return ending

    def _on_loop_of_its_own(self, function: HandlerFunction) -> HandlerFunction:
        async def whole(context: Context, payload: object) -> Returned | Raised:
            self._task = asyncio.current_task()
            try:
                return Returned(await function(context, payload))
            except BaseException as error:  # noqa: BLE001 (raised again outside, without the loop's own frames)
                return Raised(error)
            finally:
                self._task = None

        def call(context: Context, payload: object) -> object:
            ending = asyncio.run(whole(context, payload))
            if isinstance(ending, Raised):
                raise ending.error
            return ending.value

        return call

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the handler, once; a signal that is not its worker's, as one to the whole service, is none."""
        if os.getpid() != self._pid:  # a library in C forked: Python's hooks were not called
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if not self._number or not self._board.is_stopped(self._row, self._number):
            return
        self._number = 0
        if self._task is None:
            self._line.interrupt()
        else:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
