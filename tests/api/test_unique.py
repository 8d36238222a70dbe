"""Unique, debounced and expiring jobs over HTTP, in both lanes."""

from __future__ import annotations

from tests.api.lane import each_lane
from tests.api.tenant import Tenant, in_a_month

pytestmark = each_lane


def job(on_conflict: str = "reject", **more: object) -> dict[str, object]:
    return {"kind": "demo.echo", "unique": {"key": "order 7", "on_conflict": on_conflict}, **more}


def test_a_conflict_names_the_holder_and_a_return_is_marked(tenant: Tenant) -> None:
    later = in_a_month()
    made = tenant.ask("POST", "/jobs", job(expires_at=later))
    assert made.status == 202
    seen = tenant.job(made.body["id"])
    assert seen["unique"] == {"key": "order 7", "until": "finished", "ttl_ms": None}
    assert (seen["expires_at"], seen["debounce"]) == (later, None)
    refused = tenant.ask("POST", "/jobs", job())
    assert (refused.status, refused.code) == (409, "unique_conflict")
    assert (refused.body["holder"], refused.body["current_status"]) == (made.body["id"], "queued")
    found = tenant.ask("POST", "/jobs", job("return"))
    assert (found.status, found.body) == (200, {**made.body, "existing": True})
    assert found.headers["location"].endswith(made.body["id"])
    replaced = tenant.ask("POST", "/jobs", job("replace"))
    assert (replaced.status, tenant.job(made.body["id"])["reason"]) == (202, "replaced")


def test_a_bulk_answers_each_job_by_itself_or_refuses_all(tenant: Tenant) -> None:
    batch = [job(), job(), job("return")]
    whole = tenant.ask("POST", "/jobs/bulk?atomic=true", batch)
    assert (whole.status, whole.code) == (409, "unique_conflict")
    assert "holder" not in whole.body
    answer = tenant.ask("POST", "/jobs/bulk", batch)
    first, second, third = answer.body["items"]
    assert (answer.body["accepted"], answer.body["rejected"]) == (2, 1)
    assert (second["problem"]["code"], second["problem"]["holder"]) == ("unique_conflict", first["id"])
    assert third == {"index": 2, "id": first["id"], "status": "queued", "existing": True}


def test_a_refused_request_may_come_again_under_its_key_and_a_found_job_is_found_again(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/jobs", job())
    assert tenant.ask("POST", "/jobs", job(), idempotency_key="a").status == 409
    tenant.bench.settle(tenant.bench.lease())
    assert tenant.ask("POST", "/jobs", job(), idempotency_key="a").status == 202
    held = tenant.ask("POST", "/jobs", job("return"), idempotency_key="b")
    assert held.body["existing"]
    tenant.bench.settle(tenant.bench.lease())
    again = tenant.ask("POST", "/jobs", job("return"), idempotency_key="b")
    assert (again.status, again.body["id"], again.body["status"]) == (200, held.body["id"], "completed")
    assert first.body["id"] != held.body["id"]


def test_the_last_payload_counts(tenant: Tenant) -> None:
    wait = {"kind": "demo.echo", "debounce": {"key": "k", "delay_ms": 60_000, "max_wait_ms": 60_000}}
    first = tenant.ask("POST", "/jobs", {**wait, "payload": 1})
    assert (first.status, first.body["status"]) == (202, "scheduled")
    again = tenant.ask("POST", "/jobs", {**wait, "payload": 2})
    assert (again.status, again.body["id"], again.body["existing"]) == (200, first.body["id"], True)
    seen = tenant.job(first.body["id"])
    assert (seen["payload"], seen["debounce"]) == (2, {**wait["debounce"]})  # type: ignore[dict-item]
