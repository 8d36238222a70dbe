"""`/unique-locks`: who holds a key, and how somebody takes it away."""

from __future__ import annotations

from jobs.access.models import AuditEntry
from jobs.domain.unique import Debounce, Unique, Until
from tests.api.tenant import Tenant


def test_keys_are_listed_page_by_page_and_released(tenant: Tenant) -> None:
    first = tenant.bench.submit(unique=Unique("a ü/{}", Until.STARTED, 60_000))
    second = tenant.bench.submit(debounce=Debounce("b", 60_000))
    page = tenant.ask("GET", "/unique-locks?limit=1").body
    rest = tenant.ask("GET", f"/unique-locks?limit=1&cursor={page['page']['next']}").body
    seen = {lock["key"]: lock for lock in (*page["data"], *rest["data"])}
    assert (seen["a ü/{}"]["job_id"], seen["a ü/{}"]["until"], seen["a ü/{}"]["debounced"]) == (first, "started", False)
    assert seen["a ü/{}"]["ends_at"] > seen["a ü/{}"]["taken_at"]
    assert (seen["b"]["job_id"], seen["b"]["status"], seen["b"]["debounced"]) == (second, "scheduled", True)
    body = {"key": "a ü/{}", "reason": "stuck"}
    assert tenant.ask("POST", "/unique-locks/release", body).body == seen["a ü/{}"]
    assert tenant.ask("POST", "/unique-locks/release", body).status == 404
    assert [lock["key"] for lock in tenant.ask("GET", "/unique-locks").body["data"]] == ["b"]
    assert tenant.job(first)["status"] == "queued"
    act = AuditEntry.objects.get(action="unique.release")
    assert (act.target_id, act.before, act.reason) == ("a ü/{}", {"job_id": first}, "stuck")


def test_what_is_no_key_and_no_cursor_is_refused(tenant: Tenant) -> None:
    for body in ({}, {"key": ""}, {"key": 7}, {"key": "a", "x": 1}):
        assert tenant.ask("POST", "/unique-locks/release", body).status == 422
    assert tenant.ask("GET", "/unique-locks?cursor=x").code == "invalid"


def test_the_keys_of_another_are_nobodys(tenant: Tenant, other: Tenant) -> None:
    other.bench.submit(unique=Unique("k"))
    assert tenant.ask("GET", "/unique-locks").body["data"] == []
    assert tenant.ask("POST", "/unique-locks/release", {"key": "k"}).status == 404
    assert tenant.bench.submit(unique=Unique("k"))
