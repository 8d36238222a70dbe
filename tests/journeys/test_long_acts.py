"""Acts on more jobs than one step takes: the server carries them on by itself."""

from __future__ import annotations

import pytest

from tests.journeys.api import Api
from tests.waiting import until

pytestmark = pytest.mark.journey


def test_a_bulk_operation_on_450_jobs_ends_by_itself(api: Api) -> None:
    bulk = api.ask("POST", "/jobs/bulk", [{"kind": "a", "queue": "long-acts"}] * 450)
    ids = [item["id"] for item in bulk.body["items"]]
    started = api.ask("POST", "/bulk-operations", {"action": "cancel", "ids": ids})
    assert started.status == 202
    assert (started.body["total"], started.body["done"]) == (450, 200)
    address = f"/bulk-operations/{started.body['id']}"
    until(lambda: bool(api.ask("GET", address).body["status"] == "completed"))
    assert api.ask("GET", address).body["done"] == 450
    assert {api.job(job_id)["status"] for job_id in (ids[0], ids[200], ids[-1])} == {"cancelled"}
