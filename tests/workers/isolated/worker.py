"""A real worker process with the handlers `iso.*` on a namespace of its own, and what one may look at."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from jobs.domain.job import Job
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_command import events, started

GRACE_S = 0.5
# So that a cancelled job is heard of within two seconds, and that a machine that stands still for as long loses none.
LEASE_MS = 6_000
BEAT_S = LEASE_MS / 3_000
# Beside what is promised: what a machine needs that is busy or stands still. Left alone, handlers would go on for the
# minute that their jobs have.
SLACK_S = 8.0


@dataclass(frozen=True)
class Worker:
    """One worker and its log."""

    bench: Bench
    process: Popen[bytes]
    log: Path
    folder: Path

    def submit(self, kind: str, payload: object = None, **fields: object) -> str:
        """Store a job of the kind `iso.<kind>`."""
        return self.bench.submit(f"iso.{kind}", payload=json.dumps(payload).encode(), **fields)

    def run(self, kind: str, payload: object = None) -> object:
        """Run a job, and return its result."""
        job = self.ended(self.submit(kind, payload))
        assert job.status is Status.COMPLETED, job
        return None if job.result is None else json.loads(job.result)

    def ended(self, job_id: str) -> Job:
        """Return a job when its first attempt has ended."""
        until(lambda: any(attempt.outcome for attempt in self.bench.get(job_id).attempts))
        return self.bench.get(job_id)

    def begun(self, kind: str, **fields: object) -> tuple[str, Path]:
        """Start a job that says so, and return its file."""
        mark = self.folder / os.urandom(6).hex()
        job_id = self.submit(kind, str(mark), **fields)
        until(mark.exists)
        return job_id, mark

    def told(self, event: str) -> list[dict[str, object]]:
        """Return what was logged so far under that name."""
        return [entry for entry in events(self.log) if entry["event"] == event]

    def family(self) -> list[int]:
        """Return the processes that descend from the worker."""
        return family_of(self.process.pid)


@contextmanager
def isolated_worker(bench: Bench, folder: Path, *arguments: str, **variables: str) -> Iterator[Worker]:
    """Run a worker until the block ends; it must stop in good order unless the test killed it."""
    log = folder / "log"
    options = ("--child-grace", str(GRACE_S), *arguments)
    environment = {"IRONFORGE_HANDLERS": "tests.workers.isolated", "IRONFORGE_LEASE_MS": str(LEASE_MS)} | variables
    with started(bench, log, *options, **environment) as process:
        worker = Worker(bench, process, log, folder)
        until(lambda: bool(worker.told("worker.started")))
        yield worker
        family = worker.family()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        until(lambda: not any(is_alive(pid) for pid in family))
        assert "Traceback" not in log.read_text()


def family_of(pid: int) -> list[int]:
    """Return the living descendants of a process."""
    found = [int(child) for task in _tasks(pid) for child in _read(task / "children").split()]
    return [*found, *(heir for child in found for heir in family_of(child))]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs, and is no zombie."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return bool(fields) and fields[0] not in "ZX"


def _tasks(pid: int) -> list[Path]:
    folder = Path(f"/proc/{pid}/task")
    return list(folder.iterdir()) if folder.exists() else []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
