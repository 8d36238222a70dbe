"""A whole installation of real processes in a data directory of its own, judged by what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.journeys.api import Api
from tests.processes.running import (
    ROOT,
    Entry,
    Running,
    free_port,
    is_alive,
    is_child_of_session,
    is_store,
    wait_until_dead,
)
from tests.waiting import until

START_S, GONE_S = 100.0, 5.0
MANAGE = [sys.executable, str(ROOT / "manage.py")]


class Installation:
    """What `manage.py ironforge` runs: its log, its HTTP interface, and further processes beside it."""

    def __init__(self, running: Running, data_dir: Path, port: int) -> None:
        self.log = running
        self.data_dir = data_dir
        self.api = Api(port)

    def pid_of(self, name: str) -> int:
        """Return the process id of the `server`, the `worker` or the `store` that runs, or waits until one does.

        Of one that died the log still has the number, until its successor is there.
        """
        found = [0]

        def is_there() -> bool:
            found[0] = self._last_pid_of(name)
            return is_store(found[0]) if name == "store" else is_child_of_session(found[0], self.log.process.pid)

        until(is_there, START_S)
        return found[0]

    def _last_pid_of(self, name: str) -> int:
        events = ("store.started", "store.adopted") if name == "store" else ("process.started",)
        pids = [
            entry["pid"]
            for entry in self.log.everything()
            if entry.get("event") in events and entry.get("process", "store") == name
        ]
        assert pids, f"no {name} was started"
        assert isinstance(pids[-1], int)
        return pids[-1]

    def kill(self, name: str) -> int:
        """End a process as the kernel does when memory runs out; return its id when it is dead."""
        pid = self.pid_of(name)
        os.kill(pid, signal.SIGKILL)
        wait_until_dead(pid)
        return pid

    @contextmanager
    def worker(self, *options: str, **variables: str) -> Iterator[Running]:
        """Run one more worker, with its own options; it must have stopped in good order or been killed by the test."""
        with worker_of(self.data_dir, *options, **variables) as running:
            running.told("worker.started", within_s=START_S)
            yield running


@contextmanager
def installation(data_dir: Path, *options: str, **variables: str) -> Iterator[Installation]:
    """Start everything; at the end stop it with Ctrl-C and look at what was said and what was left."""
    port = free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = _environment(data_dir, variables)
    with (data_dir.parent / f"{data_dir.name}.stderr").open("w+") as errors:
        argv = [*MANAGE, "ironforge", "--port", str(port), *options]
        with Running(argv, environment, errors=errors) as running:
            try:
                running.told("supervisor.ready", within_s=START_S)
                yield Installation(running, data_dir, port)
                running.send(signal.SIGINT)
                assert running.wait() == 0, told_by(running)
            except BaseException:
                sys.stdout.write(told_by(running) + "\n")
                raise
            finally:
                _end_store(running)
            judge(running)
        assert running.entries[-1]["event"] == "supervisor.stopped"
        # The kernel takes its time to end those that were killed.
        with suppress(AssertionError):
            until(lambda: processes_of(data_dir) == [], GONE_S)
        assert processes_of(data_dir) == []
        errors.seek(0)
        assert "Traceback" not in errors.read()


@contextmanager
def worker_of(data_dir: Path, *options: str, **variables: str) -> Iterator[Running]:
    """Run `manage.py runworker_ironforge` on the store of a data directory."""
    environment = _environment(data_dir, {"IRONFORGE_DEMO": "on", **variables})
    argv = [*MANAGE, "runworker_ironforge", *options]
    with in_good_order(argv, environment, (0, -signal.SIGKILL)) as running:
        yield running


@contextmanager
def in_good_order(argv: list[str], environment: dict[str, str], codes: tuple[int, ...] = (0,)) -> Iterator[Running]:
    """Run a process, which is asked to stop at the end, must end with one of the codes, and told of no fault."""
    with Running(argv, environment) as running:
        try:
            yield running
        except BaseException:
            sys.stdout.write(told_by(running) + "\n")
            raise
        finally:
            if running.process.poll() is None:
                running.send(signal.SIGTERM)
            code = running.wait()
        assert code in codes, told_by(running)
    judge(running)


def judge(running: Running) -> None:
    """Fail unless every line is a log record with its fields, and none tells of a fault that nobody foresaw."""
    for line in running.lines:
        entry = json.loads(line)
        assert {"timestamp", "level", "target", "event"} <= entry.keys(), line
        assert entry["event"] != "output", f"not a log record: {line}"
        assert "exception" not in entry, line
        assert "Traceback" not in str(entry.get("message", "")), line


def processes_of(data_dir: Path) -> list[str]:
    """Return the command lines of living processes that work in a data directory."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid() and _is_of(folder, str(data_dir).encode()):
            with suppress(OSError):  # it ended meanwhile
                found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()}")
    return found


def entries_of(running: Running, event: str) -> list[Entry]:
    """Return what was said so far under that name."""
    return [entry for entry in running.everything() if entry.get("event") == event]


def told_by(running: Running) -> str:
    """Return the whole output, for the report of a failure."""
    return "\n".join(running.lines)


def _is_of(folder: Path, data_dir: bytes) -> bool:
    try:
        marks = (folder / "environ").read_bytes().split(b"\0"), (folder / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile, or is somebody else's
        return False
    is_ours = b"IRONFORGE_DATA_DIR=" + data_dir in marks[0] or data_dir + b"/" in marks[1]
    return is_ours and is_alive(int(folder.name))


def _end_store(running: Running) -> None:
    """Kill a store that outlived its supervisor, as it should when that one was killed."""
    for entry in running.everything():
        pid = entry.get("pid")
        if entry.get("event") in ("store.started", "store.adopted") and isinstance(pid, int) and is_store(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _environment(data_dir: Path, variables: dict[str, str]) -> dict[str, str]:
    return {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": "", "IRONFORGE_LOG_LEVEL": "debug", **variables}
