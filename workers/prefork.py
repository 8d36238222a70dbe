"""Several worker processes behind one: the parent imports, forks, restarts what dies, and passes signals on.

Nothing may have started a thread or an event loop before: a fork copies only the forking thread.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobs.domain.stop_request import StopRequests
from jobs.telemetry.logs import get_logger, log_event

MAX_RESTART_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0
KILL_AFTER_S = 15.0
TICK_S = 0.5

ChildMain = Callable[[int], object]


@dataclass(slots=True)
class Slot:
    """One place for a child: who is in it, how often it died lately, and when the next may start (monotonic s)."""

    pid: int | None = None
    deaths: int = 0
    started: float = field(default_factory=time.monotonic)
    start_at: float = 0.0


class Prefork:
    """Keeps `count` children running `main(lifeline)`."""

    def __init__(self, main: ChildMain, count: int, grace_s: float) -> None:
        self._main = main
        self._slots = [Slot() for _ in range(count)]
        self._grace_s = grace_s
        self._logger = get_logger("worker")
        self._stop_by: float | None = None
        self._requests = StopRequests()
        self._forwarded = 0
        # Children hold the reading end: it closes when the parent is gone, however that died.
        self._lifeline, self._held_end = os.pipe()
        self._wakeup, self._wakeup_in = socket.socketpair()

    def run(self) -> int:
        """Run until asked to stop and every child has ended; return the exit status."""
        self._wakeup_in.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_in.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # What is loaded so far stays shared between the processes: the collector must not write into it.
        gc.collect()
        gc.freeze()
        while not (self._requests.count and all(slot.pid is None for slot in self._slots)):
            if not self._requests.count:
                self._start_due()
            self._forward()
            self._bury()
            self._sleep()
        return 0

    def _asked_to_stop(self, *_: object) -> None:
        self._requests.note(time.monotonic())

    def _start_due(self) -> None:
        for slot in self._slots:
            if slot.pid is None and time.monotonic() >= slot.start_at:
                slot.started = time.monotonic()
                slot.pid = os.fork() or self._become_child()

    def _become_child(self) -> int:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            self._wakeup.close()
            self._wakeup_in.close()
            os.close(self._held_end)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # Ctrl-C reaches the whole terminal; the parent passes it on as SIGTERM, once.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._main(self._lifeline)
            status = 0
        except BaseException as error:  # noqa: BLE001 (a child must not return into the parent's code)
            log_event(self._logger, "worker.crashed", level=logging.CRITICAL, exception=error)
        finally:
            logging.shutdown()
            os._exit(status)

    def _forward(self) -> None:
        if self._forwarded < self._requests.count:
            self._forwarded = self._requests.count
            self._stop_by = self._stop_by or time.monotonic() + self._grace_s + KILL_AFTER_S
            self._send(signal.SIGTERM)
        elif self._stop_by is not None and time.monotonic() > self._stop_by:
            self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid is not None:
                os.kill(slot.pid, number)

    def _bury(self) -> None:
        for slot in self._slots:
            if slot.pid is None:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if pid:
                self._died(slot, os.waitstatus_to_exitcode(status))

    def _died(self, slot: Slot, status: int) -> None:
        pid, slot.pid = slot.pid, None
        if self._requests.count:
            return
        lived_s = time.monotonic() - slot.started
        slot.deaths = 1 if lived_s > STEADY_AFTER_S else slot.deaths + 1
        pause_s = min(MAX_RESTART_PAUSE_S, 0.2 * 2 ** (slot.deaths - 1))
        slot.start_at = time.monotonic() + pause_s
        log_event(
            self._logger,
            "worker.died",
            level=logging.ERROR,
            pid=pid,
            status=status,
            restart_in_ms=round(pause_s * 1000),
        )

    def _sleep(self) -> None:
        ready, _, _ = select.select([self._wakeup], [], [], TICK_S)
        if ready:
            self._wakeup.recv(4096)
