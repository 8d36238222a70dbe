"""A store that is nearly full: no new jobs, and everything else as ever."""

from __future__ import annotations

import pytest

from jobs.services import remote_workers
from jobs.services.admission import admission
from tests.api.lane import each_lane
from tests.api.remote_worker import RemoteWorker
from tests.api.tenant import Tenant


@pytest.fixture
def _nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission(), "_next_at", float("inf"))
    monkeypatch.setattr(admission(), "_fault", "")
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


@pytest.mark.usefixtures("_nearly_full")
def test_a_few_workers_are_taken_all_the_same_to_work_jobs_off(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_workers, "MAX_WORKERS_WHEN_FULL", 1)
    job_id = tenant.bench.submit()
    worker = RemoteWorker(tenant)
    answer = tenant.ask("POST", "/workers", {"queues": ["main"]})
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "queue_full", "5")
    (lease,) = worker.claim()
    assert lease["job_id"] == job_id
    worker.settle(lease)


def test_a_namespace_has_a_bounded_number_of_workers(
    tenant: Tenant, other: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_workers, "MAX_WORKERS", 1)
    first = RemoteWorker(tenant)
    answer = tenant.ask("POST", "/workers", {"queues": ["main"]})
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (429, "too_many_workers", "30")
    assert tenant.ask("POST", f"/workers/{first.id}/heartbeat", {}).status == 200
    RemoteWorker(other)
    assert tenant.ask("DELETE", f"/workers/{first.id}", {}).status == 204
    RemoteWorker(tenant)
