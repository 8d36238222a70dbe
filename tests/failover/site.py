"""A server and a worker on a guarded store, each a process that nobody restarts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journeys.api import Api
from tests.journeys.installation import MANAGE, START_S, in_good_order, worker_of
from tests.processes.running import ROOT, Running, free_port


class Site:
    """The HTTP interface, and what the worker said."""

    def __init__(self, port: int, worker: Running) -> None:
        self.api = Api(port)
        self.worker = worker

    def looks(self) -> int:
        """Return how often the worker has looked through all jobs so far."""
        ends = ("store.reconciled", "store.repaired")
        return sum(entry.get("event") in ends for entry in self.worker.everything())


def make_database(data_dir: Path) -> None:
    """Make the database of accounts, which a server wants to see."""
    environment = {**os.environ, "IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    argv = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    subprocess.run(argv, cwd=ROOT, env=environment, check=True)


@contextmanager
def site(data_dir: Path, store_url: str, durability: str, replicas: int, lease_ms: int) -> Iterator[Site]:
    """Run both; at the end both must stop in good order, and have told of no fault that nobody foresaw."""
    variables = {
        "IRONFORGE_REDIS_URL": store_url,
        "IRONFORGE_DURABILITY": durability,
        "IRONFORGE_REPLICAS": str(replicas),
        "IRONFORGE_LEASE_MS": str(lease_ms),
        "IRONFORGE_OPEN": "on",
    }
    port = free_port()
    with _server(data_dir, port, variables) as server, worker_of(data_dir, **variables) as worker:
        server.told("server.started", within_s=START_S)
        worker.told("worker.started", within_s=START_S)
        yield Site(port, worker)
        assert (server.process.poll(), worker.process.poll()) == (None, None)


@contextmanager
def _server(data_dir: Path, port: int, variables: dict[str, str]) -> Iterator[Running]:
    environment = {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": "", **variables}
    argv = [*MANAGE, "runserver_ironforge", "--port", str(port), "--grace", "3"]
    with in_good_order(argv, environment) as running:
        yield running
