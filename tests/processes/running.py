"""A process under test whose JSON lines are awaited, not slept for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import IO, Self

from tests.waiting import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
Entry = dict[str, object]
# Beneath those that the kernel gives to whoever asks for any.
_PORTS = range(12_000, 32_000, 100)
_ports: list[int] = []
_marks: list[socket.socket] = []


class Running:
    """Starts a command in a session of its own and reads its output; what is left of it dies at the end."""

    def __init__(
        self, argv: list[str], variables: dict[str, str] | None = None, *, errors: IO[str] | None = None
    ) -> None:
        """Start it; standard error goes to the file `errors`, or among the other lines."""
        self.entries: list[Entry] = []
        self.lines: list[str] = []
        self._queue: Queue[Entry | None] = Queue()
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors or subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"text": line.rstrip("\n")}
            self._queue.put(entry)
        self._queue.put(None)

    def wait_for(self, event: str, *, within_s: float = WAIT_S, where: Callable[[Entry], bool] | None = None) -> Entry:
        """Return the next entry of that event; fails with the whole output when it does not come."""
        return self._next(
            event, within_s, lambda entry: entry.get("event") == event and (where is None or where(entry))
        )

    def _next(self, name: str, within_s: float, fits: Callable[[Entry], bool]) -> Entry:
        deadline = time.monotonic() + within_s
        while True:
            try:
                entry = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"no {name} within {within_s} s:\n" + "\n".join(self.lines)) from None
            if entry is None:
                self._queue.put(None)  # the end stays to be found by who waits for more
                raise AssertionError(f"ended without {name}:\n" + "\n".join(self.lines))
            self.entries.append(entry)
            if fits(entry):
                return entry

    def wait_for_text(self, text: str, *, within_s: float = WAIT_S) -> str:
        """Return the next line that is no JSON and holds `text`."""
        return str(self._next(text, within_s, lambda entry: text in str(entry.get("text", "")))["text"])

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    def wait(self, within_s: float = WAIT_S) -> int:
        """Return the exit code once it has ended and all its output is read."""
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within_s} s:\n" + "\n".join(self.lines)) from None
        self._reader.join(within_s)
        while (entry := self._queue.get(timeout=within_s)) is not None:
            self.entries.append(entry)
        self._queue.put(None)  # the end stays to be found by who waits for more
        return code

    def events(self) -> list[object]:
        """Return the names of the events seen so far."""
        return [entry.get("event") for entry in self.entries]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        for entry in self.everything():
            pid = entry.get("pid")
            if (
                entry.get("event") == "process.started"
                and isinstance(pid, int)
                and is_child_of_session(pid, self.process.pid)
            ):
                with suppress(ProcessLookupError):  # it ended between the two looks
                    os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def everything(self) -> list[Entry]:
        """Return every entry that has arrived, awaited or not."""
        while not self._queue.empty():
            entry = self._queue.get_nowait()
            if entry is None:
                self._queue.put(None)  # the end stays to be found by who waits for more
                break
            self.entries.append(entry)
        return self.entries

    def told(self, event: str, *, within_s: float = WAIT_S, **fields: object) -> Entry:
        """Return the first entry of that event with these fields, whether it came before or is awaited."""

        def fits(entry: Entry) -> bool:
            return entry.get("event") == event and all(entry.get(name) == value for name, value in fields.items())

        before = next((entry for entry in self.everything() if fits(entry)), None)
        return before or self.wait_for(event, within_s=within_s, where=fits)


def free_port() -> int:
    """Return a port that nobody listens on, and that no test is told but the one that asks."""
    while True:
        if not _ports:
            _ports.extend(_ports_of_ours())
        port = _ports.pop()
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _ports_of_ours() -> range:
    """Return ports that are this process's alone as long as it lives: a name, which goes with it, says so."""
    for first in _PORTS:
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0ironforge-test-ports-{first}")
        except OSError:
            mark.close()
        else:
            _marks.append(mark)
            return range(first, first + _PORTS.step)
    raise AssertionError("all ports are taken")


def is_alive(pid: int) -> bool:
    """Say whether a process runs (one that is dead but not yet reaped does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def is_store(pid: int) -> bool:
    """Say whether a process runs and is a store's server, not another that got its number."""
    try:
        return is_alive(pid) and Path(f"/proc/{pid}/comm").read_text().strip() in ("valkey-server", "redis-server")
    except (FileNotFoundError, ProcessLookupError):  # it died between two looks
        return False


def is_child_of_session(pid: int, session: int) -> bool:
    """Say whether `pid` is still the process that was started under `session`, not another that got its number."""
    try:
        return is_alive(pid) and os.getsid(pid) == session
    except ProcessLookupError:
        return False


def wait_until_dead(pid: int, within_s: float = WAIT_S) -> None:
    """Wait for a process that is not our child; fails when it stays."""
    deadline = time.monotonic() + within_s
    waiting = threading.Event()
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still alive"
        waiting.wait(0.01)


def sample(folder: Path, *names: str, grace_s: float = 20.0) -> Running:
    """Start the sample supervisor."""
    return Running([sys.executable, "-m", "tests.processes.sample_supervisor", str(folder), str(grace_s), *names])
