"""Processes that the suite starts, measures and ends: only its own, by their numbers."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_STOP_S: Final = 8.0


class Unfit(Exception):
    """A competitor cannot be measured here; the text says why."""


@dataclass(slots=True)
class Started:
    """A program and whatever it started in turn: one session of processes."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def is_alive(self) -> bool:
        """Tell whether the program itself still runs."""
        return self.process.poll() is None

    def pids(self) -> list[int]:
        """Return the living processes of this session."""
        return [pid for pid, stat in _stats() if stat[3] == self.process.pid and stat[0] != "Z"]

    def pss_bytes(self) -> int:
        """Return the proportional set size of all its processes: shared pages count once among those that share."""
        return sum(_pss(pid) for pid in self.pids())

    def cpu_s(self) -> float:
        """Return the processor time of all its processes, ended children included."""
        return sum(cpu_of(pid) for pid in self.pids())

    def kill(self) -> None:
        """End all of it as the kernel does when memory runs out."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def kill_child(self) -> None:
        """End one process that the program started, the youngest, in the same way; the program goes on."""
        children = [pid for pid in self.pids() if pid != self.process.pid]
        if not children:
            raise Unfit("it has no child processes")
        os.kill(max(children), signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask it to end, then insist."""
        deadline = time.monotonic() + _STOP_S
        if self.is_alive:
            self.process.send_signal(number)
        while self.pids() and time.monotonic() < deadline:
            self.process.poll()
            time.sleep(0.02)
        self.kill()

    def tail(self) -> str:
        """Return the end of what it printed, for the report of a failure."""
        text = self.log.read_text(errors="replace")
        return " | ".join(text.strip().splitlines()[-6:])[-600:]


@contextlib.contextmanager
def running(argv: Sequence[str], environ: Mapping[str, str], log: Path, cwd: Path | None = None) -> Iterator[Started]:
    """Run a program in a session of its own; end the whole session on the way out."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv, env=dict(environ), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    started = Started(process, log)
    try:
        yield started
    finally:
        started.stop()


def run_to_end(argv: Sequence[str], environ: Mapping[str, str], log: Path, limit_s: float, cwd: Path) -> str:
    """Run a program, return what it wrote to its standard output. Raises Unfit when it fails or takes too long."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            argv, env=dict(environ), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
    started = Started(process, log)
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise Unfit(f"{Path(argv[0]).name} took more than {limit_s:.0f} s") from None
    finally:
        started.kill()
    if process.returncode:
        raise Unfit(f"{Path(argv[0]).name} ended with {process.returncode}: {started.tail()}")
    return output.decode()


def wait_until(is_true: Callable[[], bool], limit_s: float, started: Sequence[Started] = (), what: str = "") -> None:
    """Look every 10 ms. Raises Unfit when the time is over or one of the processes has ended."""
    deadline = time.monotonic() + limit_s
    while not is_true():
        for one in started:
            if not one.is_alive:
                raise Unfit(f"it ended with {one.process.returncode}: {one.tail()}")
        if time.monotonic() > deadline:
            tails = "; ".join(one.tail() for one in started)
            raise Unfit(f"no {what or 'answer'} within {limit_s:.0f} s: {tails}")
        time.sleep(0.01)


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Tell whether an HTTP server answers there; some accept connections long before."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/")
        return asked.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def cpu_of(pid: int) -> float:
    """Return the processor time of one process and its ended children, in seconds; 0 once it is gone."""
    stat = _stat(pid)
    return sum(int(ticks) for ticks in stat[11:15]) / _TICKS if stat else 0.0


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def _stats() -> Iterator[tuple[int, list[str | int]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            stat = _stat(int(folder.name))
            if stat:
                yield int(folder.name), [stat[0], *map(int, stat[1:4])]


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on (index 0), [] once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
