"""A job that nobody wants any more, before and while it runs."""

from __future__ import annotations

import pytest

from tests.journeys.installation import Installation

pytestmark = pytest.mark.journey


def test_a_queued_job_is_cancelled_and_never_starts(shared: Installation) -> None:
    api = shared.api
    job_id = api.submit("demo.echo", queue="abandoned")
    cancelled = api.ask("DELETE", f"/jobs/{job_id}")
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    again = api.ask("DELETE", f"/jobs/{job_id}")
    assert (again.status, again.body["code"], again.body["current_status"]) == (409, "job_final", "cancelled")
    with shared.worker("--queues", "abandoned"):
        api.completed(api.submit("demo.echo", queue="abandoned"))
    job = api.job(job_id)
    assert (job["status"], job["attempts"], job["started_at"]) == ("cancelled", [], None)


def test_a_running_job_is_asked_to_stop_and_stops(shared: Installation) -> None:
    api = shared.api
    job_id = api.submit("demo.sleep", {"ms": 60_000})
    shared.log.told("job.started", job_id=job_id)
    refused = api.ask("DELETE", f"/jobs/{job_id}")
    assert (refused.status, refused.body["code"]) == (409, "job_running")
    asked = api.ask("POST", f"/jobs/{job_id}/cancel")
    assert asked.status == 202
    # Told with the next heartbeat, a third of the lease later at most.
    job = api.final(job_id)
    assert (job["status"], job["retry_count"]) == ("cancelled", 0)
    assert [attempt["error"]["type"] for attempt in job["attempts"]] == ["cancelled"]
