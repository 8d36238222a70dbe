"""`/bulk-operations` by id: one act on many jobs, an outcome for each, and a record of it."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.access.models import AuditEntry
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.api.operation_verbs import carry_on
from tests.api.tenant import NOBODYS_ID, Tenant


def act(tenant: Tenant, action: str, *ids: str, **more: object) -> dict[str, Any]:
    """Return an operation that must be accepted, as it is found at its address."""
    answer = tenant.ask("POST", "/bulk-operations", {"action": action, "ids": list(ids), "reason": "r", **more})
    assert answer.status == 202, answer
    assert answer.headers["location"] == f"/bulk-operations/{answer.body['id']}"
    found = tenant.ask("GET", answer.headers["location"])
    times = {"rate": None, "estimate_s": None}
    assert (found.status, found.body | times) == (200, answer.body | times)
    return found.body


def outcomes(tenant: Tenant, operation: dict[str, Any], query: str = "limit=200") -> list[dict[str, Any]]:
    """Return all pages of outcomes."""
    address, found, cursor = f"/bulk-operations/{operation['id']}/outcomes?{query}", [], ""
    while True:
        page = tenant.ask("GET", address + cursor).body
        found += page["data"]
        if page["page"]["next"] is None:
            return found
        cursor = f"&cursor={page['page']['next']}"


def test_dead_letters_are_retried_together(tenant: Tenant) -> None:
    ids = [tenant.bench.dead_letter() for _ in range(3)]
    found = act(tenant, "retry", *ids)
    assert (found["status"], found["total"], found["done"], found["failed"]) == ("completed", 3, 3, 0)
    assert outcomes(tenant, found) == [{"id": job_id, "code": "done", "status": "queued"} for job_id in ids]
    assert tenant.bench.queue_ids() == ids


def test_each_job_has_its_own_outcome(tenant: Tenant) -> None:
    queued, running = tenant.job_in(Status.QUEUED), NOBODYS_ID
    tenant.bench.submit(queue="other")
    running = tenant.bench.lease(queues=("other",)).job.id
    final = tenant.bench.submit(queue="other")
    tenant.bench.settle(tenant.bench.lease(queues=("other",)))
    found = act(tenant, "cancel", queued, running, final, NOBODYS_ID, "nonsense", queued)
    undone = [
        {"id": final, "code": "conflict", "status": "completed"},
        {"id": NOBODYS_ID, "code": "not_found", "status": None},
        {"id": "nonsense", "code": "not_found", "status": None},
    ]
    assert outcomes(tenant, found) == [
        {"id": queued, "code": "done", "status": "cancelled"},
        {"id": running, "code": "requested", "status": "running"},
        *undone,
    ]
    assert outcomes(tenant, found, "undone=true") == outcomes(tenant, found, "undone=true&limit=1") == undone
    assert (found["taken"], found["done"], found["skipped"], found["failed"]) == (5, 2, 3, 0)


def test_dead_letters_are_discarded_together(tenant: Tenant) -> None:
    letter, waiting = tenant.bench.dead_letter(), tenant.bench.submit()
    codes = {item["id"]: item["code"] for item in outcomes(tenant, act(tenant, "discard", letter, waiting))}
    assert codes == {letter: "done", waiting: "conflict"}
    assert (tenant.job(letter)["status"], tenant.job(letter)["reason"]) == ("cancelled", "discarded")


def test_jobs_take_another_place_together_and_alone(tenant: Tenant) -> None:
    first, second, later = tenant.bench.submit(), tenant.bench.submit(), tenant.job_in(Status.SCHEDULED)
    act(tenant, "reprioritise", second, later, priority="critical")
    assert tenant.bench.queue_ids() == [second, first]
    found = act(tenant, "move", first, later, queue="bulk")
    assert (found["queue"], found["done"], tenant.bench.queue_ids("bulk")) == ("bulk", 2, [first])
    assert (tenant.job(later)["queue"], tenant.job(later)["priority"]) == ("bulk", "critical")
    moved = tenant.ask("POST", f"/jobs/{second}/move", {"queue": "bulk", "reason": "r"})
    assert (moved.status, moved.body["queue"]) == (200, "bulk")
    low = tenant.ask("POST", f"/jobs/{second}/reprioritise", {"priority": "low"})
    assert (low.status, low.body["priority"], tenant.bench.queue_ids("bulk")) == (200, "low", [first, second])
    final = tenant.job_in(Status.CANCELLED)
    for verb, body in (("move", {"queue": "q"}), ("reprioritise", {"priority": "low"})):
        answer = tenant.ask("POST", f"/jobs/{final}/{verb}", body)
        assert (answer.status, answer.code) == (409, "not_waiting")
        assert tenant.ask("POST", f"/jobs/{second}/{verb}", {}).status == 422
    entry = AuditEntry.objects.get(namespace=tenant.name, action="job.move")
    assert (entry.target_id, entry.reason, entry.after["queue"]) == (second, "r", "bulk")


def test_what_is_more_than_a_step_goes_on_by_itself(tenant: Tenant) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids += [answer.job_id for answer in tenant.bench.submit_all([JobSpec(kind="k") for _ in range(200)])]
    found = act(tenant, "cancel", *ids)
    assert (found["status"], found["done"], found["total"]) == ("running", 200, 600)
    carry_on()
    done = tenant.ask("GET", f"/bulk-operations/{found['id']}").body
    assert (done["status"], done["done"], len(outcomes(tenant, found))) == ("completed", 600, 600)
    assert done["finished_at"] is not None
    assert tenant.bench.queue_ids() == []


def test_who_did_it_and_to_which_jobs_is_on_record(tenant: Tenant) -> None:
    letter = tenant.bench.dead_letter()
    found = act(tenant, "retry", letter)
    entry = AuditEntry.objects.get(namespace=tenant.name, action="bulk.operate")
    assert (entry.actor, entry.target_id, entry.reason) == ("key:ci", found["id"], "r")
    assert entry.after["job_ids"] == [letter]


CANARY = {"first": 1, "window_ms": 1_000, "max_failure_rate": 0.1}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"action": "delete"}, ("/action", "invalid_choice")),
        ({"action": None}, ("/action", "invalid_choice")),
        ({"ids": []}, ("/ids", "out_of_range")),
        ({"ids": ["x"] * 1_001}, ("/ids", "out_of_range")),
        ({"ids": "x"}, ("/ids", "invalid_type")),
        ({"ids": [NOBODYS_ID, 7]}, ("/ids/1", "invalid_type")),
        ({"reason": 1}, ("/reason", "invalid_type")),
        ({"namespace": "default"}, ("/namespace", "unknown_field")),
        ({"filter": {}}, ("/filter", "contradiction")),
        ({"priority": "low"}, ("/priority", "not_allowed")),
        ({"queue": "q"}, ("/queue", "not_allowed")),
        ({"canary": CANARY}, ("/canary", "not_allowed")),
        ({"action": "move"}, ("/queue", "required")),
        ({"action": "move", "queue": "ironforge.x"}, ("/queue", "reserved_name")),
        ({"action": "reprioritise"}, ("/priority", "required")),
        ({"pace_per_s": 0}, ("/pace_per_s", "out_of_range")),
        ({"dry_run": 1}, ("/dry_run", "invalid_type")),
        ({"action": "retry", "canary": {**CANARY, "first": 0}}, ("/canary/first", "out_of_range")),
        (
            {"action": "retry", "canary": {**CANARY, "max_failure_rate": 2}},
            ("/canary/max_failure_rate", "out_of_range"),
        ),
        ({"ids": None, "filter": 1}, ("/filter", "invalid_type")),
        ({"ids": None, "filter": {"status": "completed"}}, ("/filter/status", "invalid_choice")),
        ({"ids": None, "filter": {"queue": "Q"}}, ("/filter/queue", "invalid_name")),
        ({"ids": None, "filter": {"created_after": "now"}}, ("/filter/created_after", "invalid_time")),
        ({"ids": None, "filter": {"metadata": {"a": 1}}}, ("/filter/metadata/a", "invalid_type")),
        ({"ids": None, "filter": {"payload": 1}}, ("/filter/payload", "invalid_type")),
    ],
)
def test_a_wrong_field_does_nothing(tenant: Tenant, change: dict[str, object], problem: tuple[str, str]) -> None:
    job_id = tenant.bench.submit()
    before = tenant.stored()
    answer = tenant.ask("POST", "/bulk-operations", {"action": "cancel", "ids": [job_id], **change})
    assert (answer.status, answer.problems) == (422, [problem])
    assert tenant.stored() == before


@pytest.mark.parametrize("missing", ["action", "ids"])
def test_a_missing_field_is_named(tenant: Tenant, missing: str) -> None:
    body = {"action": "cancel", "ids": [NOBODYS_ID]}
    del body[missing]
    answer = tenant.ask("POST", "/bulk-operations", body)
    assert (answer.status, answer.problems) == (422, [(f"/{missing}", "required")])


@pytest.mark.parametrize("wrong", ["\0", "a\0b", "é" * 300, "\u202e", "'; DROP TABLE", "x" * 100_000])
def test_what_cannot_be_an_id_is_nobodys_job(tenant: Tenant, wrong: str) -> None:
    found = act(tenant, "cancel", wrong)
    assert found["skipped"] == 1
    assert len(str(found)) + len(str(outcomes(tenant, found))) < 2_000
