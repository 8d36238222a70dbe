"""A store that is nearly full: no new jobs, and everything else as ever."""

from __future__ import annotations

import pytest

from jobs.services.admission import admission
from tests.api.lane import each_lane
from tests.api.tenant import Tenant


@pytest.fixture
def _nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission(), "_next_at", float("inf"))
    monkeypatch.setattr(admission(), "_fullest", 0.9)


@each_lane
@pytest.mark.usefixtures("_nearly_full")
@pytest.mark.parametrize("path", ["/jobs", "/jobs/bulk", "/jobs/bulk?atomic=true"])
def test_new_jobs_are_refused_with_the_time_to_come_again(tenant: Tenant, path: str) -> None:
    job = {"kind": "demo.echo"}
    answer = tenant.ask("POST", path, job if path == "/jobs" else [job])
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "queue_full", "5")
    assert answer.body["retryable"] is True
    assert "90%" in answer.body["detail"]
