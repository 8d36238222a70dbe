"""`runserver_ironforge --workers N`: several processes on one port, as one server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import START_S
from tests.processes.running import ROOT, Running, free_port, is_alive, wait_until_dead

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("_store_server", "_tables")]

MANAGE = [sys.executable, str(ROOT / "manage.py")]


@pytest.fixture(scope="session")
def _tables() -> None:
    """Make the tables of people and keys, as an installation has them."""
    subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], cwd=ROOT, check=True, timeout=START_S)


def test_two_processes_serve_one_port_and_a_dead_one_is_replaced() -> None:
    port = free_port()
    argv = [*MANAGE, "runserver_ironforge", "--port", str(port), "--workers", "2"]
    with Running(argv, {"IRONFORGE_OPEN": "on"}) as running:
        running.told("servers.ready", within_s=START_S, workers=2)
        pids = {str(entry["process"]): int(str(entry["pid"])) for entry in running.entries if "process" in entry}
        api = Api(port)
        assert len({api.submit("a", queue="group") for _ in range(20)}) == 20
        os.kill(pids["server-2"], signal.SIGKILL)
        running.wait_for("process.restarting", where=lambda entry: entry["process"] == "server-2")
        running.wait_for("server.started", within_s=START_S)
        assert api.ask("GET", "/health").status == 200
        assert is_alive(pids["server-1"])
        running.send(signal.SIGTERM)
        assert running.wait() == 0
    for pid in pids.values():
        wait_until_dead(pid)


def test_any_process_shows_what_all_of_them_counted() -> None:
    port = free_port()
    argv = [*MANAGE, "runserver_ironforge", "--port", str(port), "--workers", "2"]
    with Running(argv, {"IRONFORGE_OPEN": "on"}) as running:
        running.told("servers.ready", within_s=START_S)
        api = Api(port)
        for _ in range(30):
            api.submit("a", queue="group")
        texts = {api.text("/metrics") for _ in range(10)}
        assert all('ironforge_gateway_answers_total{operation="submit",status="202"} 30.0' in text for text in texts)
        running.send(signal.SIGTERM)
        assert running.wait() == 0


@pytest.mark.parametrize("workers", ["0", "65"])
def test_a_number_out_of_bounds_is_one_clear_line(workers: str) -> None:
    argv = [*MANAGE, "runserver_ironforge", "--port", str(free_port()), "--workers", workers]
    with Running(argv) as running:
        assert running.wait() == 1
        assert running.lines == [f"CommandError: --workers: {workers} is not in 1–64"]
