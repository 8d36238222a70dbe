"""One process of the cast through all its lives: started, killed, stopped, and started again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.processes.death_signal import command_line
from tests.processes.running import Running, is_alive
from tests.torture.ledger import now_ms

# As soon as a supervisor would.
RESTART_AFTER_S = 0.3


@dataclass
class Life:
    """One start of a process. `ended_at_ms` is when its death was seen; `is_ours`: somebody of the run ended it."""

    running: Running
    began_at_ms: float
    ready_at_ms: float | None = None
    ended_at_ms: float | None = None
    is_ours: bool = False


class Actor:
    """A process that is started again whenever it ends, until it is told to leave."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        is_ready: Callable[[Life], bool],
        *,
        variables: dict[str, str],
        starter: ThreadPoolExecutor,
        mark: str,
    ) -> None:
        """`starter` has one thread that outlives all lives: the kernel ends a process with the thread that began it.

        `mark` stands in the environment or the command line of this process and of no other run's.
        """
        self.name = name
        self.lives: list[Life] = []
        self._argv = command_line(os.getpid(), variables, argv)
        self._starter = starter
        self._is_ready = is_ready
        self._mark = mark.encode()
        self._away_s = 0.0
        self._lock = threading.Lock()
        self._start_at: float | None = None  # monotonic s; None: it runs, or is to stay away

    @property
    def pid(self) -> int:
        """Return the process id of the present or last life."""
        return self.lives[-1].running.process.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether a process is there, be it stopped."""
        return bool(self.lives) and self.lives[-1].running.process.poll() is None

    @property
    def is_up(self) -> bool:
        """Tell whether it is there and has said that it is ready."""
        return self.is_alive and self.lives[-1].ready_at_ms is not None

    def start(self) -> None:
        """Begin a life."""
        running = self._starter.submit(Running, self._argv).result()
        self.lives.append(Life(running, now_ms()))

    def end(self, number: signal.Signals, *, away_s: float = 0.0) -> None:
        """End the present life by a signal; the next begins `away_s` later than it would."""
        if self.is_alive:
            self.lives[-1].is_ours = True
            self._away_s = away_s
            self.lives[-1].running.send(number)

    def send(self, number: signal.Signals) -> None:
        """Send a signal that ends nothing."""
        if self.is_alive:
            self.lives[-1].running.send(number)

    def look(self) -> None:
        """Note what became of the present life, and begin the next when its time has come."""
        with self._lock:
            life = self.lives[-1]
            if self.is_alive:
                if life.ready_at_ms is None and self._is_ready(life):
                    life.ready_at_ms = now_ms()
            elif life.ended_at_ms is None:
                life.ended_at_ms = now_ms()
                self._start_at = time.monotonic() + RESTART_AFTER_S + self._away_s
                self._away_s = 0.0
            elif self._start_at is not None and time.monotonic() >= self._start_at:
                self._start_at = None
                self.start()

    def leave(self, within_s: float) -> int:
        """End for good with SIGTERM; return the exit code, that of a kill for one that did not end in time."""
        with self._lock:
            life = self.lives[-1]
            life.is_ours = True
            if self.is_alive:
                life.running.send(signal.SIGCONT)
                life.running.send(signal.SIGTERM)
            try:
                return life.running.wait(within_s)
            except AssertionError:
                return -signal.SIGKILL

    def send_all(self, number: signal.Signals) -> None:
        """Send a signal to whoever is left of all lives: also to children whose parent was killed."""
        # A store writes its title over its environment, so its own process is told without a look at the mark.
        self.send(number)
        for life in self.lives:
            for pid in _session(life.running.process.pid, self._mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def bury(self) -> None:
        """End whatever is left, by force, and read the rest of what it said."""
        self.send_all(signal.SIGKILL)
        for life in self.lives:
            life.running.__exit__(None, None, None)

    def children(self) -> list[int]:
        """Return the processes that the present life has forked."""
        try:
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return [int(word) for word in text.split()]


def _session(leader: int, mark: bytes) -> list[int]:
    """Return the living processes of a session that bear the mark: numbers are given again, marks are not."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if os.getsid(int(folder.name)) == leader and is_alive(int(folder.name)):
                texts = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                found += [int(folder.name)] if mark in texts else []
    return found
