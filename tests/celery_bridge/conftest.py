"""An installation, workers that run the bakery's tasks, and the bakery's programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ironforge_client import Client
from tests.journeys.installation import MANAGE, START_S, installation
from tests.processes.running import ROOT, Running

PROJECT = Path(__file__).parent / "project"
# What stays the same, whoever runs the tasks; and the one line that does not.
SETTINGS = """
result_backend = "file://{results}"
result_chord_retry_interval = 0.2
broker_transport_options = {{"polling_interval": 0.02}}
"""
BROKERS = {
    "memory": 'broker_url = "memory://"\n',
    "ironforge": 'broker_transport = "ironforge_client.celery:Transport"\n',
}


@dataclass(frozen=True)
class Bakery:
    """A settings file of its own in `folder`, and what programs find in their environment."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run a program of the bakery and return the JSON that it prints."""
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ | self.variables,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return found


def bakery_with(broker: str, folder: Path, url: str) -> Bakery:
    """Return a bakery whose settings name that broker."""
    (folder / "results").mkdir(parents=True)
    (folder / "celeryconfig.py").write_text(SETTINGS.format(results=folder / "results") + BROKERS[broker])
    variables = {"PYTHONPATH": os.pathsep.join(map(str, (PROJECT, folder, ROOT))), "IRONFORGE_URL": url}
    return Bakery(folder, variables)


@dataclass(frozen=True)
class Shop:
    """A bakery whose tasks IronForge runs, and a client to look at its jobs."""

    bakery: Bakery
    client: Client
    url: str


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Run server, store, and two workers of the application: in threads, and for the queue `slow` in processes."""
    folder = tmp_path_factory.mktemp("celery")
    data_dir = folder / "data"
    with ExitStack() as stack:
        running = stack.enter_context(installation(data_dir))
        url = f"http://127.0.0.1:{running.api.port}"
        bakery = bakery_with("ironforge", folder / "bakery", url)
        variables = bakery.variables | {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
        variables["IRONFORGE_CELERY_APP"] = "bakery.celery:app"
        threads = stack.enter_context(worker(variables, "--queues", "celery,shop"))
        variables["IRONFORGE_CELERY_ISOLATION"] = "process"
        processes = stack.enter_context(worker(variables, "--queues", "slow"))
        for started in (threads, processes):
            started.told("worker.started", within_s=START_S)
        client = stack.enter_context(Client(url))
        yield Shop(bakery, client, url)


@contextmanager
def worker(variables: dict[str, str], *options: str) -> Iterator[Running]:
    """Run a worker; every line of it is a record, and it ends in good order."""
    with Running([*MANAGE, "runworker_ironforge", *options], variables) as running:
        yield running
        running.send(signal.SIGTERM)
        assert running.wait() == 0, "\n".join(running.lines)
        assert [line for line in running.lines if not line.startswith("{")] == []
