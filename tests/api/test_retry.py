"""`POST /jobs/{id}/retry`: a dead letter goes back to its queue, with another payload if one is given."""

from __future__ import annotations

import pytest

from jobs.access.models import AuditEntry
from jobs.backends.redis.tenants import RedisTenants
from jobs.domain.quota import Quota
from jobs.domain.status import Status
from tests.api.tenant import ANY_STATUS, NOBODYS_ID, Tenant


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_dead_letter_is_queued_again_with_its_attempts_on_record(tenant: Tenant, body: bytes) -> None:
    job_id = tenant.bench.dead_letter(payload=b'{"to":"a"}')
    answer = tenant.ask("POST", f"/jobs/{job_id}/retry", body)
    assert (answer.status, answer.body["id"], answer.body["status"]) == (200, job_id, "queued")
    assert (answer.body["retry_count"], answer.body["payload"]) == (0, {"to": "a"})
    assert [attempt["outcome"] for attempt in answer.body["attempts"]] == ["failed"]
    assert tenant.bench.queue_ids() == [job_id]


@pytest.mark.parametrize("payload", [{"to": "b"}, None, [], "x", 0])
def test_its_payload_can_be_replaced(tenant: Tenant, payload: object) -> None:
    job_id = tenant.bench.dead_letter(payload=b'{"to":"a"}')
    answer = tenant.ask("POST", f"/jobs/{job_id}/retry", {"payload": payload, "reason": "typing mistake"})
    assert (answer.status, answer.body["payload"]) == (200, payload)
    assert tenant.job(job_id)["payload"] == payload
    entry = AuditEntry.objects.get(namespace=tenant.name, action="job.retry")
    assert (entry.target_id, entry.reason, entry.after["payload"]) == (job_id, "typing mistake", "edited")


@pytest.mark.parametrize("status", [status for status in ANY_STATUS if status is not Status.DEAD_LETTER])
def test_another_job_is_not(tenant: Tenant, status: Status) -> None:
    job_id = tenant.job_in(status)
    before = tenant.job(job_id)
    answer = tenant.ask("POST", f"/jobs/{job_id}/retry", {"payload": 1})
    assert (answer.status, answer.code, answer.body["current_status"]) == (409, "not_dead_letter", status)
    assert tenant.job(job_id) == before


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"payload": "x" * 262_144}, 422, ("/payload", "too_large")),
        (b'{"payload":' + b"[" * 65 + b"]" * 65 + b"}", 422, ("/payload", "too_deep")),
        (b'{"payload":NaN}', 400, ("", "invalid_number")),
        (b'{"payload":"\\ud800"}', 400, ("", "invalid_unicode")),
        ({"priority": "high"}, 422, ("/priority", "unknown_field")),
        ({"reason": []}, 422, ("/reason", "invalid_type")),
    ],
)
def test_a_wrong_body_leaves_the_dead_letter_as_it_was(
    tenant: Tenant, body: object, status: int, problem: tuple[str, str]
) -> None:
    job_id = tenant.bench.dead_letter()
    before = tenant.stored()
    answer = tenant.ask("POST", f"/jobs/{job_id}/retry", body)
    assert (answer.status, answer.problems) == (status, [problem])
    assert tenant.stored() == before


def test_a_job_that_is_not_there_is_not_found(tenant: Tenant) -> None:
    assert tenant.ask("POST", f"/jobs/{NOBODYS_ID}/retry", {"payload": 1}).status == 404


def test_the_key_of_its_limit_comes_from_the_new_payload(tenant: Tenant) -> None:
    tenant.ask("PUT", "/limits/keys/demo.echo", {"concurrency": 1, "path": "payload.shop"})
    answers = []
    for fields in ({}, {"limit_key": "mine"}):
        job_id = tenant.submit(payload={"shop": "a"}, max_retries=0, **fields)
        tenant.bench.fail(tenant.bench.lease())
        answers.append(tenant.ask("POST", f"/jobs/{job_id}/retry", {"payload": {"shop": "b"}}))
        tenant.bench.settle(tenant.bench.lease())
    assert [answer.body["limit_key"] for answer in answers] == ["b", "mine"], answers


def test_a_payload_beyond_the_quota_of_bytes_is_refused(tenant: Tenant) -> None:
    job_id = tenant.bench.dead_letter(payload=b"1")
    tenant.bench.run(RedisTenants([tenant.bench.keys]).set_quota(Quota(bytes=4)))
    before = tenant.stored()
    answer = tenant.ask("POST", f"/jobs/{job_id}/retry", {"payload": "1234"})
    assert (answer.status, answer.code, answer.problems) == (429, "quota_exceeded", [("/payload", "stored_bytes")])
    assert tenant.stored() == before
    assert tenant.ask("POST", f"/jobs/{job_id}/retry", {"payload": 1234}).status == 200
