"""One worker for several namespaces, and one for all: it takes those up that come later, and drops those that go."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import MANAGE, installation
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.long]


def minted(data_dir: Path) -> str:
    """Return a key of the installation."""
    argv = [*MANAGE, "ironforge_key", "mint", "--name", "root", "--scopes", "admin,installation"]
    environment = {**os.environ, "IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def made(api: Api, root: str, name: str) -> str:
    """Return the head of a key of a new namespace."""
    answer = api.ask("POST", "/namespaces", {"name": name, "key": {"name": "theirs"}}, authorization=root)
    return f"Bearer {answer.body['key']['key']}"


def ends(api: Api, bearer: str) -> bool:
    """Submit a job and wait for its end."""
    job_id = api.ask("POST", "/jobs", {"kind": "demo.echo"}, authorization=bearer).body["id"]
    return bool(api.ask("GET", f"/jobs/{job_id}?wait=20", authorization=bearer).body["status"] == "completed")


def test_workers_serve_several_namespaces_or_all_that_come(data_dir: Path) -> None:
    with installation(data_dir, "--no-worker") as running:
        api, root = running.api, f"Bearer {minted(data_dir)}"
        first, second = (made(api, root, name) for name in ("a", "b"))
        with running.worker("--namespace", "a,b"):
            assert ends(api, first)
            assert ends(api, second)
        with running.worker("--namespace", "all") as worker:
            later = made(api, root, "c")
            assert ends(api, first)
            assert ends(api, later)
            api.ask("DELETE", "/namespaces/c", {"confirm": "c"}, authorization=root)
            worker.told("namespace.left")
            assert ends(api, second)
            until(lambda: api.ask("GET", "/namespaces/c", authorization=root).body["status"] == "deleted")
