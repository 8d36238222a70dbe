"""A job that fails: retried with growing pauses, then a dead letter, then sent back by a person."""

from __future__ import annotations

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import Installation
from tests.journeys.moment import seconds

pytestmark = pytest.mark.journey

# Between due and start: a poll, on a machine that stands still now and then.
LATE_S = 10.0
AT_ONCE = {"base_ms": 1, "max_ms": 1}


def test_a_job_that_fails_once_succeeds_at_its_second_try_after_two_seconds(shared: Installation) -> None:
    job = shared.api.completed(shared.api.submit("demo.fail", {"times": 1}))
    failed, second = job["attempts"]
    assert (failed["number"], failed["outcome"], failed["error"]["type"]) == (1, "failed", "DemoFailure")
    assert (second["number"], second["outcome"]) == (2, "completed")
    assert job["retry_count"] == 1
    assert job["result"] == {"attempts": 2}
    assert shared.log.told("job.failed", job_id=job["id"])["retry_in_ms"] == 2_000
    assert 2.0 <= seconds(second["started_at"]) - seconds(failed["finished_at"]) < 2.0 + LATE_S


def test_a_job_that_always_fails_becomes_a_dead_letter_and_completes_when_sent_back_mended(api: Api) -> None:
    job_id = api.submit("demo.fail", {"always": True}, max_retries=1, backoff=AT_ONCE, metadata={"order": "17"})
    dead = api.final(job_id)
    assert (dead["status"], dead["retry_count"], dead["error"]["type"]) == ("dead_letter", 1, "DemoFailure")
    assert "demo.py" in dead["error"]["traceback"]
    assert job_id in [job["id"] for job in api.ask("GET", "/jobs?status=dead_letter").body["data"]]

    sent_back = api.ask("POST", f"/jobs/{job_id}/retry", {"payload": {"times": 0}})
    assert sent_back.status == 200, sent_back
    job = api.completed(job_id)
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["failed", "failed", "completed"]
    assert (job["retry_count"], job["payload"], job["metadata"]) == (0, {"times": 0}, {"order": "17"})
    assert job["error"] is None
    again = api.ask("POST", f"/jobs/{job_id}/retry")
    assert (again.status, again.body["code"]) == (409, "not_dead_letter")


def test_a_dead_letter_sent_back_as_it_is_fails_again(api: Api) -> None:
    job_id = api.submit("demo.fail", {"always": True}, max_retries=0)
    assert api.final(job_id)["status"] == "dead_letter"
    assert api.ask("POST", f"/jobs/{job_id}/retry").status == 200
    dead = api.final(job_id)
    assert (dead["status"], len(dead["attempts"]), dead["retry_count"]) == ("dead_letter", 2, 0)


def test_a_job_that_takes_too_long_is_stopped_and_tried_again(api: Api) -> None:
    job_id = api.submit("demo.sleep", {"ms": 60_000}, timeout_ms=200, max_retries=1, backoff=AT_ONCE)
    dead = api.final(job_id)
    assert [attempt["error"]["type"] for attempt in dead["attempts"]] == ["timeout", "timeout"]
    took_s = [seconds(attempt["finished_at"]) - seconds(attempt["started_at"]) for attempt in dead["attempts"]]
    # On a busy machine the best counts: the bound is one of design.
    assert 0.2 <= min(took_s) < 1.5
    assert max(took_s) < LATE_S
    assert api.ask("POST", f"/jobs/{job_id}/retry", {"payload": {"ms": 1}}).status == 200
    assert len(api.completed(job_id)["attempts"]) == 3


def test_a_kind_that_no_worker_knows_goes_back_with_the_reason(shared: Installation) -> None:
    job_id = shared.api.submit("shop.unknown", {})
    shared.log.told("job.unknown_kind", job_id=job_id, kind="shop.unknown")
    job = shared.api.job(job_id)
    assert (job["status"], job["reason"], job["attempts"]) == ("scheduled", "unknown_kind", [])
    assert job["error"]["type"] == "unknown_kind"
    assert shared.api.ask("DELETE", f"/jobs/{job_id}").status == 200
