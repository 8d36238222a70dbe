"""`GET /jobs/{id}`: what is told of a job, to whom, and how long one may wait for its end."""

from __future__ import annotations

import pytest

from jobs.domain.status import Status
from tests.api.lane import LONGEST_S, each_lane
from tests.api.tenant import ANY_STATUS, NOBODYS_ID, Tenant

pytestmark = each_lane

FIELDS = {
    "progress",
    *("id", "kind", "queue", "priority", "status", "payload", "max_retries", "retry_count", "created_at"),
    *("scheduled_for", "ready_at", "started_at", "finished_at", "timeout_ms", "metadata", "delivery", "backoff"),
    *("webhook", "expires_at", "unique", "debounce", "schedule_id", "limit_key", "workflow_id", "step"),
    "retention_ms",
    *("error", "reason", "worker_id", "attempt", "lost_leases", "cancel_requested", "attempts"),
}


@pytest.mark.parametrize("status", ANY_STATUS)
def test_a_job_is_shown_in_every_status(tenant: Tenant, status: Status) -> None:
    job_id = tenant.job_in(status)
    job = tenant.job(job_id)
    assert (job["id"], job["status"]) == (job_id, status)
    assert set(job) - {"result"} == FIELDS


def test_a_completed_job_shows_its_result_and_its_attempt(tenant: Tenant) -> None:
    job = tenant.job(tenant.job_in(Status.COMPLETED))
    assert job["result"] == {"sent": 1}
    (attempt,) = job["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["worker_id"]) == (1, "completed", "w1")
    assert attempt["started_at"] <= attempt["finished_at"]


def test_a_failed_job_shows_its_error_and_when_it_runs_again(tenant: Tenant) -> None:
    job = tenant.job(tenant.job_in(Status.FAILED))
    assert (job["error"]["type"], job["error"]["message"], job["retry_count"]) == ("ValueError", "no", 1)
    assert job["attempts"][0]["outcome"] == "failed"


def test_a_job_names_who_hears_of_its_end_without_the_query(tenant: Tenant) -> None:
    job_id = tenant.submit(webhook="https://8.8.8.8/hook?token=known-to-few")
    shown = tenant.ask("GET", f"/jobs/{job_id}")
    assert shown.body["webhook"] == "https://8.8.8.8/hook"
    assert b"known-to-few" not in shown.raw
    assert tenant.job(tenant.submit())["webhook"] is None


def test_who_may_not_read_payloads_sees_the_rest(tenant: Tenant) -> None:
    job_id = tenant.job_in(Status.COMPLETED)
    shown = tenant.ask_as(tenant.key("jobs:read"), "GET", f"/jobs/{job_id}")
    assert shown.status == 200
    assert set(shown.body) == FIELDS - {"payload"}
    whole = tenant.ask_as(tenant.key("jobs:read", "payload:read"), "GET", f"/jobs/{job_id}")
    assert {"payload", "result"} <= set(whole.body)


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense",
        "550e8400-e29b-41d4-a716-446655440000",
        "%00",
        "..%2f..",
        "x" * 5_000,
        "*",
        "{x}",
        "a:b",
        "%F0%9F%94%A5",
    ],
)
def test_what_is_no_id_names_no_job(tenant: Tenant, wrong: str) -> None:
    answer = tenant.ask("GET", f"/jobs/{wrong}")
    assert (answer.status, answer.code) == (404, "not_found")
    assert len(answer.raw) < 1_000


def test_an_id_that_was_never_given_is_not_found_at_once_even_when_waited_for(tenant: Tenant) -> None:
    answer = tenant.ask("GET", f"/jobs/{NOBODYS_ID}?wait=30")
    assert (answer.status, answer.code) == (404, "not_found")


def test_an_id_may_be_written_in_capitals(tenant: Tenant) -> None:
    job_id = tenant.submit()
    assert tenant.ask("GET", f"/jobs/{job_id.upper()}").body["id"] == job_id


def test_a_wait_ends_when_the_job_does(tenant: Tenant) -> None:
    job_id = tenant.submit()
    waiting = tenant.lane.begin(tenant.request("GET", f"/jobs/{job_id}?wait=30"))
    tenant.bench.settle(tenant.bench.lease(), result=b"7")
    answer = waiting.result(LONGEST_S)
    assert (answer.status, answer.body["status"], answer.body["result"]) == (200, "completed", 7)


def test_a_wait_that_is_over_shows_the_job_as_it_is(tenant: Tenant) -> None:
    job_id = tenant.submit()
    answer = tenant.ask("GET", f"/jobs/{job_id}?wait=1")
    assert (answer.status, answer.body["status"]) == (200, "queued")


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.DEAD_LETTER, Status.CANCELLED])
def test_a_final_job_is_not_waited_for(tenant: Tenant, status: Status) -> None:
    job_id = tenant.job_in(status)
    waiting = tenant.lane.begin(tenant.request("GET", f"/jobs/{job_id}?wait=30"))
    assert waiting.result(20).body["status"] == status


@pytest.mark.parametrize("wait", ["31", "-1", "1.5", "abc", "", "1e3", "%EF%BC%91", "9" * 30])
def test_a_wait_is_zero_to_thirty_seconds(tenant: Tenant, wait: str) -> None:
    answer = tenant.ask("GET", f"/jobs/{tenant.submit()}?wait={wait}")
    assert (answer.status, answer.problems) == (422, [("?wait", "out_of_range")])
