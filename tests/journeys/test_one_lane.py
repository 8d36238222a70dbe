"""`IRONFORGE_GATEWAY=off`: the control plane serves everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.installation import installation

pytestmark = pytest.mark.journey


def test_without_the_data_plane_everything_works_all_the_same(data_dir: Path) -> None:
    with installation(data_dir, IRONFORGE_GATEWAY="off") as running:
        api = running.api
        assert api.completed(api.submit("demo.echo", {"a": 1}))["result"] == {"a": 1}
        bulk = api.ask("POST", "/jobs/bulk", [{"kind": "demo.echo", "payload": number} for number in range(3)])
        assert [api.completed(item["id"])["result"] for item in bulk.body["items"]] == [0, 1, 2]
        refused = api.ask("POST", "/workers", {"queues": ["main"]})
        assert (refused.status, refused.body["code"]) == (501, "gateway_off")
        assert "ironforge_gateway_answers_total{" not in api.text("/metrics")
