"""`DELETE /jobs/{id}` and `POST /jobs/{id}/cancel`: from every status, with the state that forbids it."""

from __future__ import annotations

import pytest

from jobs.access.models import AuditEntry
from jobs.domain.status import Status
from tests.api.tenant import NOBODYS_ID, Tenant

WAITING = [Status.QUEUED, Status.SCHEDULED, Status.FAILED]
FINAL = [Status.COMPLETED, Status.CANCELLED, Status.DEAD_LETTER]
WAYS = [("DELETE", ""), ("POST", "/cancel")]
each_way = pytest.mark.parametrize(("method", "rest"), WAYS)


@each_way
@pytest.mark.parametrize("status", WAITING)
def test_a_job_that_does_not_run_is_cancelled_at_once(tenant: Tenant, status: Status, method: str, rest: str) -> None:
    job_id = tenant.job_in(status)
    answer = tenant.ask(method, f"/jobs/{job_id}{rest}")
    assert (answer.status, answer.body["id"], answer.body["status"]) == (200, job_id, "cancelled")
    assert answer.body["finished_at"] is not None
    assert tenant.job(job_id) == answer.body


@each_way
@pytest.mark.parametrize("status", FINAL)
def test_a_job_that_has_ended_is_not_cancelled(tenant: Tenant, status: Status, method: str, rest: str) -> None:
    job_id = tenant.job_in(status)
    before = tenant.job(job_id)
    answer = tenant.ask(method, f"/jobs/{job_id}{rest}")
    assert (answer.status, answer.code, answer.body["current_status"]) == (409, "job_final", status)
    assert tenant.job(job_id) == before


def test_deleting_a_running_job_is_refused_with_the_way_to_stop_it(tenant: Tenant) -> None:
    job_id = tenant.job_in(Status.RUNNING)
    answer = tenant.ask("DELETE", f"/jobs/{job_id}")
    assert (answer.status, answer.code, answer.body["current_status"]) == (409, "job_running", "running")
    assert "/cancel" in answer.body["detail"]
    assert tenant.job(job_id)["cancel_requested"] is False


def test_cancelling_a_running_job_asks_it_to_stop(tenant: Tenant) -> None:
    tenant.bench.submit()
    lease = tenant.bench.lease()
    answer = tenant.ask("POST", f"/jobs/{lease.job.id}/cancel", {"reason": "wrong address"})
    assert (answer.status, answer.body["status"], answer.body["cancel_requested"]) == (202, "running", True)
    assert tenant.ask("POST", f"/jobs/{lease.job.id}/cancel").status == 202
    assert tenant.bench.fail(lease) is Status.CANCELLED


@each_way
def test_who_did_it_and_why_is_on_record(tenant: Tenant, method: str, rest: str) -> None:
    job_id = tenant.submit()
    tenant.ask(method, f"/jobs/{job_id}{rest}", {"reason": "duplicate"}, x_request_id="r-17")
    entry = AuditEntry.objects.get(namespace=tenant.name, target_kind="job", target_id=job_id)
    assert (entry.action, entry.actor, entry.reason, entry.request_id) == ("job.cancel", "key:ci", "duplicate", "r-17")


@each_way
@pytest.mark.parametrize("body", [b"", b"  \n", b"{}", b'{"reason":""}'])
def test_the_body_may_be_empty(tenant: Tenant, method: str, rest: str, body: bytes) -> None:
    assert tenant.ask(method, f"/jobs/{tenant.submit()}{rest}", body).status == 200


def test_an_empty_body_needs_no_media_type(tenant: Tenant) -> None:
    assert tenant.ask("POST", f"/jobs/{tenant.submit()}/cancel", b"", content_type="text/plain").status == 200


@each_way
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"reason": 1}, ("/reason", "invalid_type")),
        ({"reason": "x" * 501}, ("/reason", "too_large")),
        ({"reason": "a\nb"}, ("/reason", "invalid_text")),
        ({"why": "x"}, ("/why", "unknown_field")),
        ([], ("", "invalid_type")),
    ],
)
def test_a_wrong_reason_cancels_nothing(
    tenant: Tenant, method: str, rest: str, body: object, problem: tuple[str, str]
) -> None:
    job_id = tenant.submit()
    answer = tenant.ask(method, f"/jobs/{job_id}{rest}", body)
    assert (answer.status, answer.problems) == (422, [problem])
    assert tenant.job(job_id)["status"] == "queued"


@each_way
@pytest.mark.parametrize("job_id", ["nonsense", NOBODYS_ID])
def test_a_job_that_is_not_there_is_not_found(tenant: Tenant, method: str, rest: str, job_id: str) -> None:
    assert tenant.ask(method, f"/jobs/{job_id}{rest}").status == 404


def test_what_is_shown_after_it_holds_no_payload_for_who_may_not_read_it(tenant: Tenant) -> None:
    job_id = tenant.submit(payload={"secret": 1})
    answer = tenant.ask_as(tenant.key("jobs:write"), "DELETE", f"/jobs/{job_id}")
    assert answer.status == 200
    assert "payload" not in answer.body
