"""The store is looked at before it is trusted: by `manage.py check`, and by a start that refuses an unfit one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import wiring
from jobs.backends.redis.checks import SCHEMA_KEY
from jobs.backends.redis.schema import SCHEMA
from tests.backends.servers import Server
from tests.ports import closed_port
from tests.processes.running import Running, free_port

MANAGE = Path(__file__).parents[2] / "manage.py"


@pytest.fixture
def forgetful_store(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a store that keeps nothing on disk."""
    with Server(tmp_path / "forgetful") as server:
        yield server.url


def _manage(*words: str, url: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"IRONFORGE_REDIS_URL": url, "IRONFORGE_DATA_DIR": str(data_dir)}
    return subprocess.run(
        [sys.executable, str(MANAGE), *words], capture_output=True, text=True, env=variables, timeout=100, check=False
    )


@pytest.mark.usefixtures("_store_server")
def test_the_store_of_the_tests_is_fit() -> None:
    findings = wiring.check_store()
    assert [finding for finding in findings if finding.level == "refuse"] == []
    assert "scripts" in {finding.id for finding in findings}


def test_check_names_what_is_wrong_and_the_fix(forgetful_store: str, tmp_path: Path) -> None:
    checked = _manage("check", url=forgetful_store, data_dir=tmp_path)
    assert checked.returncode == 1
    assert "keeps nothing on disk" in checked.stderr
    assert "appendfsync always" in checked.stderr


@pytest.mark.parametrize("command", ["runserver_ironforge", "ironforge"])
def test_a_start_refuses_a_store_that_would_lose_jobs(command: str, forgetful_store: str, tmp_path: Path) -> None:
    refused = _manage(command, "--port", str(free_port()), url=forgetful_store, data_dir=tmp_path)
    assert refused.returncode != 0
    assert "keeps nothing on disk" in refused.stderr


@pytest.mark.parametrize("command", ["runserver_ironforge", "runworker_ironforge", "check"])
def test_jobs_of_a_newer_version_are_refused_and_left_alone(command: str, tmp_path: Path) -> None:
    store = Server(tmp_path / "store", "--appendonly", "yes", "--appendfsync", "always")
    with store as server, server.client() as client:
        client.set(SCHEMA_KEY, SCHEMA + 1)
        refused = _manage(command, url=server.url, data_dir=tmp_path / "data")
        assert client.keys("*") == [SCHEMA_KEY.encode()]
        assert client.get(SCHEMA_KEY) == str(SCHEMA + 1).encode()
    assert refused.returncode != 0
    assert "The jobs were written by a newer IronForge" in refused.stderr
    assert "Update IronForge" in refused.stderr


def test_a_server_says_at_once_where_it_looks_for_a_store_that_is_away(tmp_path: Path) -> None:
    with closed_port() as port:
        away = f"127.0.0.1:{port}"
        assert _manage("migrate", "-v0", url=f"redis://{away}", data_dir=tmp_path).returncode == 0
        variables = {"IRONFORGE_REDIS_URL": f"redis://:hidden@{away}", "IRONFORGE_DATA_DIR": str(tmp_path)}
        command = [sys.executable, str(MANAGE), "runserver_ironforge", "--port", str(free_port())]
        with Running(command, variables) as running:
            told = running.wait_for("store.away", within_s=60)
            assert (told["address"], told["level"]) == (away, "WARNING")
            assert not any("hidden" in line for line in running.lines)
