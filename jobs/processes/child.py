"""One process of ours: started by exec, watched, restarted when it dies, stopped when asked.

Must be used from the main thread only: the death signal of a child is bound to the thread that started it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jobs.processes.death_signal import command_line
from jobs.processes.output import Entry, Output, relay
from jobs.processes.restart_delay import RestartDelay
from jobs.telemetry.logs import get_logger, log_event

_LAST_LINES_S: Final = 1.0
# What our commands end with when the same start would fail the same way: a bad setting, option or handler.
_CANNOT_WORK: Final = 2

_log = get_logger("supervisor")


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run, and how to know that it works."""

    name: str  # "server", "worker", "worker-2"
    argv: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)  # added to the inherited environment
    ready_event: str = ""  # the log event that says it is ready
    is_ready: Callable[[], bool] | None = None  # or a question to ask instead


class Child:
    """A process that should be running."""

    def __init__(self, spec: ChildSpec, output: Output, *, on_ready: Callable[[], None]) -> None:
        self.name = spec.name
        self.deaths = 0
        self.last_words = ""  # the last line that was no log record
        self.is_hopeless = False  # it ended saying that another try is no use
        self._spec = spec
        self._output = output
        self._on_ready = on_ready
        self._delay = RestartDelay()
        self._process: subprocess.Popen[bytes] | None = None
        self._relay: threading.Thread | None = None
        self._started_at = 0.0
        self._restart_at: float | None = None
        self._said_ready = threading.Event()
        self._is_wanted = False

    @property
    def pid(self) -> int | None:
        """Return the process id, None while it is not running."""
        return self._process.pid if self._process else None

    @property
    def restart_at(self) -> float | None:
        """Return the monotonic time at which a dead process starts again, None while it runs."""
        return self._restart_at

    def start(self) -> None:
        """Start the process in a process group of its own, so that Ctrl-C in the terminal reaches only us."""
        self._is_wanted = True
        self._restart_at = None
        self._said_ready.clear()
        argv = command_line(os.getpid(), self._spec.variables, list(self._spec.argv))
        process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
        )
        self._process = process
        self._started_at = time.monotonic()
        if process.stdout is not None:
            self._relay = relay(process.stdout, self.name, self._output, self._seen)
        log_event(_log, "process.started", process=self.name, pid=process.pid)

    def is_ready(self) -> bool:
        """Say whether the present process has shown that it works."""
        if self._process is None:
            return False
        if self._spec.is_ready is not None:
            return self._spec.is_ready()
        return self._said_ready.is_set()

    def tend(self, now: float) -> None:
        """Notice a death, and start again what died once its delay is over. `now` is monotonic."""
        if self._process is not None and self._process.poll() is not None:
            self._died(self._process, now)
        if self._is_wanted and self._restart_at is not None and now >= self._restart_at:
            self.start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM, once more for each further call; it is not started again."""
        self._is_wanted = False
        self._restart_at = None
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        if self._process is not None and self._process.poll() is None:
            log_event(_log, "process.killed", level=logging.WARNING, process=self.name, pid=self._process.pid)
            _kill_group(self._process.pid)

    def _seen(self, entry: Entry) -> None:
        if entry.get("event") == "output":
            self.last_words = str(entry.get("message", "")).removeprefix("CommandError: ")
        if entry.get("event") == self._spec.ready_event:
            self._said_ready.set()
            self._on_ready()

    def _died(self, process: subprocess.Popen[bytes], now: float) -> None:
        code = process.returncode
        lived_s = now - self._started_at
        self._process = None
        # What it started itself must not go on without it.
        _kill_group(process.pid)
        if self._relay is not None:
            self._relay.join(_LAST_LINES_S)
        log_event(
            _log,
            "process.exited",
            level=logging.WARNING if self._is_wanted else logging.INFO,
            process=self.name,
            pid=process.pid,
            code=code if code >= 0 else None,
            signal=_signal_name(-code) if code < 0 else None,
            lived_ms=round(lived_s * 1000),
        )
        if self._is_wanted:
            self.deaths += 1
            self.is_hopeless = code == _CANNOT_WORK
            delay_s = self._delay.after_life_of(lived_s)
            self._restart_at = now + delay_s
            log_event(_log, "process.restarting", process=self.name, in_ms=round(delay_s * 1000))


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
