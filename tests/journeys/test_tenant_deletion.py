"""A namespace is deleted to its end by a real server that is killed while it is at it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.address import locate
from tests.journeys.api import Api
from tests.journeys.installation import MANAGE, installation
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(600)]

JOBS = 30_000
# The turn of a process that died runs out after 30 s.
WITHIN_S = 120.0


def minted(data_dir: Path) -> str:
    """Return a key of the installation."""
    argv = [*MANAGE, "ironforge_key", "mint", "--name", "root", "--scopes", "admin,installation,jobs:write"]
    environment = {**os.environ, "IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def deletion(api: Api, bearer: str) -> dict[str, object]:
    found = api.ask("GET", "/namespaces/doomed", authorization=bearer)
    return {"status": found.body.get("status"), **(found.body.get("deletion") or {})}


def export(api: Api, bearer: str) -> list[Any]:
    """Return the lines of an export as they come over a real connection."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    connection.request("GET", "/namespaces/doomed/export?limit=5000", headers={"Authorization": bearer})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (200, "application/x-ndjson")
    lines = [json.loads(line) for line in answer.read().splitlines()]
    connection.close()
    return lines


def test_a_deletion_survives_the_death_of_its_process(data_dir: Path) -> None:
    with installation(data_dir, "--no-worker") as running:
        api, root = running.api, f"Bearer {minted(data_dir)}"
        made = api.ask("POST", "/namespaces", {"name": "doomed", "key": {"name": "theirs"}}, authorization=root)
        theirs = f"Bearer {made.body['key']['key']}"
        for number in range(JOBS // 10_000):
            api.submit_all([{"kind": "k", "queue": "q"}] * 10_000, key=f"bulk-{number}", authorization=theirs)
        *jobs, end = export(api, theirs)
        assert (len(jobs), end["end"]["jobs"]) == (5_000, 5_000)
        begun = api.ask("DELETE", "/namespaces/doomed", {"confirm": "doomed"}, authorization=root)
        assert begun.status == 202
        until(lambda: bool(deletion(api, root).get("deleted_jobs")), WITHIN_S)
        running.kill("server")
        running.log.wait_for("process.exited", where=lambda entry: entry.get("process") == "server")
        until(lambda: is_up(api), WITHIN_S)
        half = deletion(api, root)
        assert half["status"] == "deleting", half
        until(lambda: deletion(api, root)["status"] == "deleted", WITHIN_S)
        assert api.ask("GET", "/jobs", authorization=theirs).status == 401
        client = connect(locate(data_dir).url, "judge")
        left = {key.decode().rpartition("}:")[2].partition(":")[0] for key in client.scan_iter("ironforge:{doomed/*")}
        assert left <= {"tenant", "stats"}


def is_up(api: Api) -> bool:
    try:
        return api.ask("GET", "/health/ready").status == 200
    except OSError:
        return False
