"""`/webhook`, `/deliveries` and the field `webhook` of a job."""

from __future__ import annotations

import pytest

from jobs.access.models import AuditEntry
from jobs.domain.job import JobError
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.api.lane import Answer, each_lane
from tests.api.tenant import Tenant
from tests.api.test_isolation import delivery_of

URL = "https://8.8.8.8/hook?token=abc"


def put(tenant: Tenant, **fields: object) -> Answer:
    return tenant.ask("PUT", "/webhook", fields)


def test_a_webhook_is_set_changed_rotated_and_removed(tenant: Tenant) -> None:
    made = put(tenant, url=URL, statuses=["completed"])
    assert (made.status, made.body["statuses"], made.body["secret"][:6]) == (201, ["completed"], "whsec_")
    again = put(tenant, url=URL)
    assert (again.status, again.body["statuses"]) == (200, ["cancelled", "completed", "dead_letter"])
    rotated = tenant.ask("POST", "/webhook/rotate", {})
    assert rotated.body["secret"] != made.body["secret"]
    seen = tenant.ask("GET", "/webhook")
    assert (seen.body["url"], seen.body["overlap_until"] is not None) == (URL, True)
    assert b"whsec_" not in seen.raw + again.raw + tenant.ask("GET", "/endpoints").raw
    assert tenant.ask("GET", "/endpoints").body["data"] == []
    assert tenant.ask("GET", "/endpoints/*").status == 404
    assert tenant.ask("DELETE", "/webhook").status == 204
    assert tenant.ask("GET", "/webhook").status == 404
    tenant.job_in(Status.COMPLETED)
    assert tenant.ask("GET", "/deliveries").body["data"] == []
    acts = AuditEntry.objects.filter(namespace=tenant.name, action__startswith="webhook.").order_by("id")
    assert [entry.action for entry in acts] == ["webhook.set", "webhook.set", "webhook.rotate", "webhook.remove"]
    assert not any("abc" in f"{entry.before}{entry.after}" for entry in acts)


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"url": "http://127.0.0.1/"}, "/url", "blocked_address"),
        ({"url": "http://127.1/"}, "/url", "invalid_url"),
        ({"url": URL, "statuses": ["running"]}, "/statuses", "invalid_choice"),
        ({"url": URL, "statuses": []}, "/statuses", "out_of_range"),
        ({"url": URL, "secret": "x"}, "/secret", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named(tenant: Tenant, fields: dict[str, object], pointer: str, code: str) -> None:
    answer = put(tenant, **fields)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer)
    assert answer.body["errors"][0]["code"] == code
    assert tenant.stored() == {}


@each_lane
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/", "blocked_address"),
        ("http://[::ffff:10.0.0.1]/", "blocked_address"),
        ("http://localhost:8000/", "blocked_address"),
        ("http://0x7f000001/", "invalid_url"),
        ("ftp://8.8.8.8/", "invalid_url"),
        ("https://8.8.8.8:6379/", "invalid_url"),
        (7, "invalid_type"),
    ],
)
def test_a_job_s_webhook_is_judged_when_it_is_submitted(tenant: Tenant, url: object, code: str) -> None:
    answer = tenant.ask("POST", "/jobs", {"kind": "k", "webhook": url})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/webhook")
    assert answer.body["errors"][0]["code"] == code
    bulk = tenant.ask("POST", "/jobs/bulk", [{"kind": "k", "webhook": url}, {"kind": "k", "webhook": URL}])
    assert (bulk.body["accepted"], bulk.body["rejected"]) == (1, 1)


def test_the_log_tells_what_came_of_deliveries(tenant: Tenant) -> None:
    put(tenant, statuses=["completed"])
    job_id = tenant.submit(webhook=URL)
    tenant.bench.settle(tenant.bench.lease())
    lease = tenant.bench.lease(queues=(DELIVERY_QUEUE,))
    error = JobError("http_503", "The receiver answered 503: busy")
    tenant.bench.settle(lease, OutcomeKind.FAILED, error=error)
    for target in (f"/deliveries?job_id={job_id}", "/deliveries", "/deliveries?status=failed"):
        (delivery,) = tenant.ask("GET", target).body["data"]
        assert (delivery["job_id"], delivery["type"], delivery["status"]) == (job_id, "job.completed", "failed")
        assert delivery["url"] == "https://8.8.8.8/hook"
        assert delivery["next_attempt_at"] is not None
        (attempt,) = delivery["attempts"]
        assert (attempt["status_code"], attempt["answer"]) == (503, "The receiver answered 503: busy")
    hidden = tenant.ask_as(tenant.key("jobs:read"), "GET", "/deliveries").body["data"][0]["attempts"][0]
    assert (hidden["status_code"], hidden["answer"]) == (503, None)
    assert tenant.ask("GET", "/deliveries?status=completed").body["data"] == []


def test_a_delivery_that_was_answered_shows_the_answer(tenant: Tenant) -> None:
    job_id = tenant.submit(webhook=URL)
    tenant.bench.settle(tenant.bench.lease())
    tenant.bench.settle(tenant.bench.lease(queues=(DELIVERY_QUEUE,)), result=b'{"status_code":200,"answer":"ok"}')
    (delivery,) = tenant.ask("GET", f"/deliveries?job_id={job_id}").body["data"]
    (attempt,) = delivery["attempts"]
    assert (delivery["status"], attempt["status_code"], attempt["answer"]) == ("completed", 200, "ok")


def test_the_log_of_what_is_no_job_of_mine_is_not_there(tenant: Tenant, other: Tenant) -> None:
    job_id = other.submit(webhook=URL)
    assert tenant.ask("GET", f"/deliveries?job_id={job_id}").status == 404
    assert tenant.ask("GET", "/deliveries?job_id=x").status == 404
    assert tenant.ask("GET", "/deliveries?status=x").status == 422


def test_an_end_is_told_once_more_under_the_same_name(tenant: Tenant) -> None:
    first = delivery_of(tenant)
    job_id = tenant.ask("GET", "/deliveries").body["data"][0]["job_id"]
    answer = tenant.ask("POST", f"/deliveries/{first}/resend", {"reason": "they lost it"})
    assert (answer.status, answer.body["status"], answer.body["webhook_id"]) == (202, "queued", first)
    second = answer.body["id"]
    assert second != first
    assert tenant.ask("POST", f"/deliveries/{second}/resend", {}).code == "delivery_under_way"
    tenant.bench.settle(tenant.bench.lease(queues=(DELIVERY_QUEUE,)), result=b"{}")
    third = tenant.ask("POST", f"/deliveries/{second}/resend", {}).body
    assert third["webhook_id"] == first, "also of a successor's successor"
    assert [one["id"] for one in tenant.ask("GET", f"/deliveries?job_id={job_id}").body["data"]] == [
        third["id"],
        second,
        first,
    ]
    entry = AuditEntry.objects.filter(namespace=tenant.name, action="delivery.resend").order_by("id")[0]
    assert (entry.target_id, entry.reason, entry.after) == (first, "they lost it", {"delivery": second, "job": job_id})


def test_a_dead_letter_and_what_waits_are_sent_again_themselves(tenant: Tenant) -> None:
    tenant.submit(webhook=URL)
    tenant.bench.settle(tenant.bench.lease())
    lease = tenant.bench.lease(queues=(DELIVERY_QUEUE,))
    tenant.bench.settle(lease, OutcomeKind.FAILED, error=JobError("http_503", "busy"))
    target = f"/deliveries/{lease.job.id}/resend"
    waited = tenant.ask("POST", target).body
    assert (waited["id"], waited["status"]) == (lease.job.id, "queued")
    tenant.bench.settle(tenant.bench.lease(queues=(DELIVERY_QUEUE,)), OutcomeKind.DISCARDED)
    dead = tenant.ask("POST", target).body
    assert (dead["id"], dead["status"], len(dead["attempts"])) == (lease.job.id, "queued", 2)
    other = tenant.submit()
    assert tenant.ask("POST", f"/deliveries/{other}/resend").status == 404
