"""Several worker processes behind one: the parent imports, forks, restarts what dies, and passes signals on.

A process that has worked enough says so before it drains: the next takes its place meanwhile.

Nothing may have started a thread or an event loop before: a fork copies only the forking thread.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import secrets
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from jobs.domain.stop_request import StopRequests
from jobs.telemetry.logs import get_logger, log_event
from workers.death import Death
from workers.place import Place

MAX_RESTART_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0
KILL_AFTER_S = 15.0
TICK_S = 0.5
# What a child writes: its process id, and a `_Said`.
_SAID = struct.Struct("!ib")

ChildMain = Callable[[Place], object]
# Gets a death, the mark of who died, and what a process that is forked for it must call first.
OnDeath = Callable[[Death, str, Callable[[], None]], None]


class _Said(IntEnum):
    """It is about to leave, and another is to take its place or nobody; it is quiet by an order, or no longer."""

    LEAVES = 1
    LEAVES_FOR_GOOD = 2
    QUIET = 3
    RESUMED = 4


@dataclass(eq=False, slots=True)
class Slot:
    """One place for a child: who is in it, how often it died lately, and when the next may start (monotonic s).

    An order to be quiet is for the place: whoever takes it has it as well.
    """

    pid: int | None = None
    mark: str = ""
    deaths: int = 0
    started: float = field(default_factory=time.monotonic)
    start_at: float = 0.0
    kill_at: float = math.inf
    has_quiet_order: bool = False


class Prefork:
    """Keeps `count` children running `main(place)`; `on_death` gets those that ended unasked."""

    def __init__(
        self,
        main: ChildMain,
        count: int,
        grace_s: float,
        on_death: OnDeath = lambda *_: None,
    ) -> None:
        self._main = main
        self._on_death = on_death
        self._slots = [Slot() for _ in range(count)]
        # Of children that leave: their places are given to others already.
        self._leaving: list[Slot] = []
        self._grace_s = grace_s
        self._logger = get_logger("worker")
        self._stop_by: float | None = None
        self._status = 0
        self._requests = StopRequests()
        self._forwarded = 0
        self._is_quiet = self._told_quiet = False
        # Children hold the reading end: it closes when the parent is gone, however that died.
        self._lifeline, self._held_end = os.pipe()
        self._goodbyes, self._goodbyes_in = os.pipe()
        self._wakeup, self._wakeup_in = socket.socketpair()

    def run(self) -> int:
        """Run until asked to stop and every child has ended; return the exit status."""
        self._wakeup_in.setblocking(False)
        os.set_blocking(self._goodbyes, False)
        signal.set_wakeup_fd(self._wakeup_in.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGTSTP, lambda *_: self._want_quiet(True))
        signal.signal(signal.SIGCONT, lambda *_: self._want_quiet(False))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # What is loaded so far stays shared between the processes: the collector must not write into it.
        gc.collect()
        gc.freeze()
        while any(slot.pid is not None for slot in self._all()) or self._has_to_run():
            if not self._requests.count:
                self._start_due()
            self._forward()
            self._hear_goodbyes()
            self._bury()
            self._sleep()
        return self._status

    def _has_to_run(self) -> bool:
        return not self._requests.count and bool(self._slots)

    def _all(self) -> list[Slot]:
        return [*self._slots, *self._leaving]

    def _want_quiet(self, is_quiet: bool) -> None:
        self._is_quiet = is_quiet

    def _asked_to_stop(self, *_: object) -> None:
        self._requests.note(time.monotonic())

    def _start_due(self) -> None:
        for slot in self._slots:
            if slot.pid is None and time.monotonic() >= slot.start_at:
                slot.started = time.monotonic()
                slot.mark = secrets.token_hex(4)
                try:
                    slot.pid = os.fork() or self._become_child(slot)
                except OSError as error:
                    # Too many processes, or too little memory, at this moment: who runs goes on meanwhile.
                    self._not_forked(slot, error)

    def _not_forked(self, slot: Slot, error: OSError) -> None:
        pause_ms, reason = round(self._rest(slot) * 1000), error.strerror
        log_event(self._logger, "worker.not_forked", level=logging.ERROR, reason=reason, restart_in_ms=pause_ms)

    def _rest(self, slot: Slot) -> float:
        """Let a place stay empty for a while, the longer the more often it failed; return for how long (s)."""
        lived_s = time.monotonic() - slot.started
        slot.deaths = 1 if lived_s > STEADY_AFTER_S else slot.deaths + 1
        pause_s: float = min(MAX_RESTART_PAUSE_S, 0.2 * 2 ** (slot.deaths - 1))
        slot.start_at = time.monotonic() + pause_s
        return pause_s

    def _leave(self) -> None:
        """Close, in a process that was forked beside the children, what tells them that their parent lives."""
        for fd in (self._held_end, self._lifeline, self._goodbyes, self._goodbyes_in):
            os.close(fd)
        self._wakeup.close()
        self._wakeup_in.close()

    def _become_child(self, slot: Slot) -> int:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            self._wakeup.close()
            self._wakeup_in.close()
            os.close(self._held_end)
            os.close(self._goodbyes)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # Ctrl-C reaches the whole terminal; the parent passes it on as SIGTERM, once.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for number in (signal.SIGTSTP, signal.SIGCONT):
                signal.signal(number, signal.SIG_IGN)
            orders = (self._say_goodbye, self._say_order, self._is_quiet, slot.has_quiet_order)
            self._main(Place(self._lifeline, slot.mark, *orders))
            status = 0
        except BaseException as error:  # noqa: BLE001 (a child must not return into the parent's code)
            log_event(self._logger, "worker.crashed", level=logging.CRITICAL, exception=error)
        finally:
            logging.shutdown()
            os._exit(status)

    def _say_goodbye(self, is_replaced: bool) -> None:
        """Tell the parent, from a child, that it is about to leave."""
        self._say(_Said.LEAVES if is_replaced else _Said.LEAVES_FOR_GOOD)

    def _say_order(self, is_quiet: bool) -> None:
        """Tell the parent, from a child, whether an order has it take nothing new."""
        self._say(_Said.QUIET if is_quiet else _Said.RESUMED)

    def _say(self, said: _Said) -> None:
        os.write(self._goodbyes_in, _SAID.pack(os.getpid(), said))

    def _hear_goodbyes(self) -> None:
        """Give the places of children that are about to leave to new ones, or to nobody; note what orders they have."""
        try:
            said = os.read(self._goodbyes, _SAID.size * 64)
        except BlockingIOError:
            return
        for pid, word in _SAID.iter_unpack(said):
            slot = next((slot for slot in self._slots if slot.pid == pid), None)
            if slot is None:
                continue
            if word in (_Said.QUIET, _Said.RESUMED):
                slot.has_quiet_order = word == _Said.QUIET
                continue
            slot.kill_at = time.monotonic() + self._grace_s + KILL_AFTER_S
            self._leaving.append(slot)
            self._slots.remove(slot)
            if word == _Said.LEAVES:
                self._slots.append(Slot(has_quiet_order=slot.has_quiet_order))

    def _forward(self) -> None:
        if self._forwarded < self._requests.count:
            self._forwarded = self._requests.count
            self._stop_by = self._stop_by or time.monotonic() + self._grace_s + KILL_AFTER_S
            self._send(signal.SIGTERM)
        elif self._told_quiet != self._is_quiet:
            self._told_quiet = self._is_quiet
            self._send(signal.SIGTSTP if self._is_quiet else signal.SIGCONT)
        elif self._stop_by is not None and time.monotonic() > self._stop_by:
            self._send(signal.SIGKILL)
        for slot in self._leaving:
            if slot.pid is not None and time.monotonic() > slot.kill_at:
                os.kill(slot.pid, signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for slot in self._all():
            if slot.pid is not None:
                os.kill(slot.pid, number)

    def _bury(self) -> None:
        """Look after every child that has ended, undertakers among them."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            # What it said before it ended stands there by now.
            self._hear_goodbyes()
            for slot in self._all():
                if slot.pid == pid:
                    self._died(slot, Death(pid, os.waitstatus_to_exitcode(status), usage.ru_maxrss))

    def _died(self, slot: Slot, death: Death) -> None:
        slot.pid = None
        if death.status:
            # Also while we stop: a child that was killed has settled nothing.
            self._on_death(death, slot.mark, self._leave)
        if slot in self._leaving:
            self._leaving.remove(slot)
            # The one that says that it leaves for good and then fails has something to say to whoever started us.
            self._status = self._status or int(death.status > 0)
            return
        if self._requests.count:
            return
        pause_s = self._rest(slot)
        log_event(
            self._logger,
            "worker.died",
            level=logging.ERROR,
            pid=death.pid,
            status=death.status,
            max_rss_kib=death.most_kib,
            restart_in_ms=round(pause_s * 1000),
        )

    def _sleep(self) -> None:
        ready, _, _ = select.select([self._wakeup.fileno(), self._goodbyes], [], [], TICK_S)
        if self._wakeup.fileno() in ready:
            self._wakeup.recv(4096)
