"""Acts on more jobs than one step takes: the server carries them on by itself."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import Installation, installation
from tests.waiting import until

pytestmark = pytest.mark.journey

# The turn of a process that died runs out first.
PATIENCE_S = 100.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    """Return an installation of the test's own, whose server it may kill."""
    with installation(tmp_path / "data") as running:
        yield running


def test_a_bulk_operation_on_450_jobs_ends_by_itself(api: Api) -> None:
    ids = api.submit_all([{"kind": "a", "queue": "long-acts"}] * 450, key="long-acts")
    started = api.ask("POST", "/bulk-operations", {"action": "cancel", "ids": ids})
    assert started.status == 202
    # What can be done within two seconds, and no more than one step.
    assert started.body["total"] == 450
    assert started.body["done"] <= 200
    address = f"/bulk-operations/{started.body['id']}"
    until(lambda: bool(api.ask("GET", address).body["status"] == "completed"))
    assert api.ask("GET", address).body["done"] == 450
    assert {api.job(job_id)["status"] for job_id in (ids[0], ids[200], ids[-1])} == {"cancelled"}


def test_an_operation_goes_on_after_its_process_was_killed_and_takes_each_job_once(own: Installation) -> None:
    api = own.api
    ids = set(api.submit_all([{"kind": "a", "queue": "killed"}] * 120, key="killed"))
    body = {"action": "cancel", "filter": {"queue": "killed"}, "pace_per_s": 40}
    address = f"/bulk-operations/{api.ask('POST', '/bulk-operations', body).body['id']}"
    own.kill("server")
    until(lambda: _state(api, address) == "completed", PATIENCE_S)
    done = api.ask("GET", address).body
    outcomes = api.ask("GET", f"{address}/outcomes?limit=200").body["data"]
    assert (done["total"], done["done"], len(outcomes)) == (120, 120, 120)
    assert {item["id"] for item in outcomes} == ids
    assert {api.job(job_id)["status"] for job_id in sorted(ids)[::20]} == {"cancelled"}


def _state(api: Api, address: str) -> str:
    try:
        return str(api.ask("GET", address).body.get("status"))
    except (OSError, http.client.HTTPException):
        return "away"
