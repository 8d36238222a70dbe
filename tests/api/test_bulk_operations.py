"""`/bulk-operations`: one act on many jobs, an outcome for each, and a record of it."""

from __future__ import annotations

import pytest

from jobs.access.models import AuditEntry
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from jobs.services import operations
from tests.api.tenant import NOBODYS_ID, Tenant


def act(tenant: Tenant, action: str, *ids: str) -> dict[str, object]:
    """Return an operation that must be accepted, as it is found at its address."""
    answer = tenant.ask("POST", "/bulk-operations", {"action": action, "ids": list(ids), "reason": "r"})
    assert answer.status == 202, answer
    assert answer.headers["location"] == f"/bulk-operations/{answer.body['id']}"
    found = tenant.ask("GET", answer.headers["location"])
    assert (found.status, found.body) == (200, answer.body)
    return found.body


def test_dead_letters_are_retried_together(tenant: Tenant) -> None:
    ids = [tenant.bench.dead_letter() for _ in range(3)]
    found = act(tenant, "retry", *ids)
    assert (found["status"], found["total"], found["done"], found["failed"]) == ("completed", 3, 3, 0)
    assert found["items"] == [{"id": job_id, "code": "done", "status": "queued"} for job_id in ids]
    assert tenant.bench.queue_ids() == ids


def test_each_job_has_its_own_outcome(tenant: Tenant) -> None:
    queued, running = tenant.job_in(Status.QUEUED), NOBODYS_ID
    tenant.bench.submit(queue="other")
    running = tenant.bench.lease(queues=("other",)).job.id
    final = tenant.bench.submit(queue="other")
    tenant.bench.settle(tenant.bench.lease(queues=("other",)))
    found = act(tenant, "cancel", queued, running, final, NOBODYS_ID, "nonsense", queued)
    assert found["items"] == [
        {"id": queued, "code": "done", "status": "cancelled"},
        {"id": running, "code": "requested", "status": "running"},
        {"id": final, "code": "conflict", "status": "completed"},
        {"id": NOBODYS_ID, "code": "not_found", "status": None},
        {"id": "nonsense", "code": "not_found", "status": None},
    ]
    assert (found["done"], found["failed"]) == (2, 3)


def test_dead_letters_are_discarded_together(tenant: Tenant) -> None:
    letter, waiting = tenant.bench.dead_letter(), tenant.bench.submit()
    codes = {item["id"]: item["code"] for item in act(tenant, "discard", letter, waiting)["items"]}  # type: ignore[index,attr-defined]
    assert codes == {letter: "done", waiting: "conflict"}
    assert (tenant.job(letter)["status"], tenant.job(letter)["reason"]) == ("cancelled", "discarded")


def test_what_is_more_than_a_step_goes_on_by_itself(tenant: Tenant) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids += [answer.job_id for answer in tenant.bench.submit_all([JobSpec(kind="k") for _ in range(200)])]
    found = act(tenant, "cancel", *ids)
    assert (found["status"], found["done"], found["total"]) == ("running", 200, 600)
    while operations.work_on_next():
        pass
    done = tenant.ask("GET", f"/bulk-operations/{found['id']}").body
    assert (done["status"], done["done"], len(done["items"])) == ("completed", 600, 600)
    assert done["finished_at"] is not None
    assert tenant.bench.queue_ids() == []


def test_who_did_it_and_to_which_jobs_is_on_record(tenant: Tenant) -> None:
    letter = tenant.bench.dead_letter()
    found = act(tenant, "retry", letter)
    entry = AuditEntry.objects.get(namespace=tenant.name, action="bulk.operate")
    assert (entry.actor, entry.target_id, entry.reason) == ("key:ci", found["id"], "r")
    assert entry.after["job_ids"] == [letter]


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
    assert found["failed"] == 1
    assert len(str(found)) < 2_000
