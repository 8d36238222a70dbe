"""`/queues`: their numbers, and pause, resume and purge."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.access.models import AuditEntry
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services import operation_turns, queues
from tests.api.tenant import ANY_STATUS, NOBODYS_ID, Tenant
from tests.backends.situations import fill_queues

ZEROES = {status.value: 0 for status in Status}


def queue(tenant: Tenant, name: str = "main") -> dict[str, Any]:
    """Return a queue that must be there."""
    return next(found for found in tenant.ask("GET", "/queues").body["data"] if found["name"] == name)


def test_a_tenant_without_jobs_has_no_queues(tenant: Tenant) -> None:
    assert tenant.ask("GET", "/queues").body == {"data": [], "page": {"next": None, "prev": None}}
    stats = tenant.ask("GET", "/queues/stats").body
    assert (stats["depth"], stats["by_status"], stats["queues"]) == (0, ZEROES, [])


def test_every_queue_is_listed_with_its_depth_by_status_and_priority(tenant: Tenant) -> None:
    for status in ANY_STATUS:
        if status is not Status.QUEUED:
            tenant.job_in(status)
    tenant.bench.submit(priority=Priority.HIGH)
    tenant.bench.submit(priority=Priority.LOW)
    tenant.bench.submit(queue="mail")
    listed = tenant.ask("GET", "/queues").body["data"]
    assert [found["name"] for found in listed] == ["mail", "main"]
    main = queue(tenant)
    assert (main["depth"], main["running"], main["paused"], main["pause"]) == (2, 1, False, None)
    assert main["by_status"] == {**ZEROES, **dict.fromkeys([*map(str, ANY_STATUS)], 1), "queued": 2}
    assert main["counts"]["queued"] == {"high": 1, "low": 1}
    assert main["oldest_age_ms"] >= 0
    assert main["submitted_per_minute"] >= 0


def test_the_statistics_add_up_over_all_queues(tenant: Tenant) -> None:
    tenant.job_in(Status.COMPLETED)
    tenant.job_in(Status.DEAD_LETTER)
    tenant.bench.submit(priority=Priority.CRITICAL)
    tenant.bench.submit(queue="mail")
    stats = tenant.ask("GET", "/queues/stats").body
    assert (stats["depth"], stats["dlq_depth"], stats["active_workers"]) == (2, 1, 0)
    assert stats["by_priority"] == {"critical": 1, "high": 0, "medium": 1, "low": 0}
    assert stats["by_status"] == {**ZEROES, "queued": 2, "completed": 1, "dead_letter": 1}
    assert (stats["submitted_total"], stats["completed_total"], stats["failed_total"]) == (4, 1, 1)
    assert sum(minute["submitted"] for minute in stats["minutes"]) == 4
    assert len(stats["minutes"]) == 15
    assert [found["name"] for found in stats["queues"]] == ["mail", "main"]


@pytest.mark.parametrize("minutes", [2, 1_440])
def test_the_history_is_as_long_as_asked_for(tenant: Tenant, minutes: int) -> None:
    assert len(tenant.ask("GET", f"/queues/stats?minutes={minutes}").body["minutes"]) == minutes


@pytest.mark.parametrize("body", [b"", b"{}", {"reason": "deploy"}])
def test_a_paused_queue_hands_out_nothing_until_it_is_resumed(tenant: Tenant, body: object) -> None:
    tenant.bench.submit()
    paused = tenant.ask("POST", "/queues/main/pause", body)
    assert (paused.status, paused.body["name"], paused.body["paused"]) == (200, "main", True)
    assert paused.body["pause"]["by"] == "key:ci"
    assert paused.body["pause"]["reason"] == ("deploy" if isinstance(body, dict) else "")
    assert tenant.bench.claim().leases == ()
    assert queue(tenant)["paused"] is True
    resumed = tenant.ask("POST", "/queues/main/resume", body)
    assert (resumed.status, resumed.body["paused"], resumed.body["pause"]) == (200, False, None)
    assert len(tenant.bench.claim().leases) == 1


def test_pausing_again_keeps_the_first_pause_and_resuming_again_is_no_error(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/queues/main/pause", {"reason": "first"}).body["pause"]
    assert tenant.ask("POST", "/queues/main/pause", {"reason": "second"}).body["pause"] == first
    assert [tenant.ask("POST", "/queues/main/resume").status for _ in range(2)] == [200, 200]


def test_a_paused_queue_still_takes_jobs(tenant: Tenant) -> None:
    tenant.ask("POST", "/queues/mail/pause")
    tenant.submit(queue="mail")
    assert queue(tenant, "mail")["depth"] == 1


def test_a_purge_deletes_what_is_ready_and_nothing_else(tenant: Tenant) -> None:
    kept = {status: tenant.job_in(status) for status in ANY_STATUS if status is not Status.QUEUED}
    kept[Status.QUEUED] = tenant.bench.submit(queue="mail")
    purged = [tenant.bench.submit() for _ in range(3)]
    answer = tenant.ask("POST", "/queues/main/purge", {"confirm": "main", "reason": "test data"})
    assert (answer.status, answer.body) == (200, {"purged": 3})
    assert [tenant.ask("GET", f"/jobs/{job_id}").status for job_id in purged] == [404] * 3
    assert {status: tenant.job(job_id)["status"] for status, job_id in kept.items()} == {s: s for s in kept}
    entry = AuditEntry.objects.get(namespace=tenant.name, action="queue.purge")
    assert (entry.target_id, entry.reason, entry.after) == ("main", "test data", {"purged": 3})
    assert tenant.bench.totals()["purged"] == 3
    assert "purge" in tenant.bench.verbs()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", ("/confirm", "required")),
        ({}, ("/confirm", "required")),
        ({"confirm": "Main"}, ("/confirm", "confirmation_mismatch")),
        ({"confirm": True}, ("/confirm", "invalid_type")),
        ({"confirm": "main", "force": True}, ("/force", "unknown_field")),
    ],
)
def test_a_purge_that_is_not_confirmed_deletes_nothing(tenant: Tenant, body: object, problem: tuple[str, str]) -> None:
    job_id = tenant.bench.submit()
    answer = tenant.ask("POST", "/queues/main/purge", body)
    assert (answer.status, answer.problems) == (422, [problem])
    assert tenant.bench.queue_ids() == [job_id]


def test_a_long_purge_is_an_operation_to_poll(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_PURGE_AT_ONCE_S", 0.0)
    for _ in range(4):
        tenant.bench.submit_all([JobSpec(kind="k") for _ in range(200)])
    answer = tenant.ask("POST", "/queues/main/purge", {"confirm": "main"})
    assert (answer.status, answer.body["status"], answer.body["queue"]) == (202, "running", "main")
    assert tenant.ask("POST", f"{answer.headers['location']}/abort", {}).code == "purge_goes_on"
    late = tenant.bench.submit()
    while operation_turns.work_on_next():
        pass
    done = tenant.ask("GET", answer.headers["location"]).body
    assert (done["status"], done["done"], done["total"]) == ("completed", 800, None)
    assert tenant.bench.queue_ids() == [late], "the bound is frozen at the request"


@pytest.mark.parametrize("act", ["resume", "purge"])
def test_a_queue_that_nobody_named_is_not_found(tenant: Tenant, act: str) -> None:
    body = {"confirm": "nobodys"} if act == "purge" else {}
    answer = tenant.ask("POST", f"/queues/nobodys/{act}", body)
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("act", ["pause", "resume", "purge"])
def test_what_cannot_name_a_queue_is_not_found_and_stored_nowhere(tenant: Tenant, act: str) -> None:
    body = {"confirm": "x"} if act == "purge" else {}
    for name in ("A", "a:b", "{x}", "*", "%2e%2e", "x" * 65, "%C3%A4", "a%00", "a%0a", "a%2fb"):
        assert tenant.ask("POST", f"/queues/{name}/{act}", body).status == 404, name
    assert tenant.stored() == {}


def test_an_operation_that_is_not_there_is_not_found(tenant: Tenant) -> None:
    assert tenant.ask("GET", f"/bulk-operations/{NOBODYS_ID}").status == 404


def test_of_as_many_queues_as_there_may_be_each_can_be_steered_and_a_new_one_cannot(tenant: Tenant) -> None:
    name = fill_queues(tenant.bench)[-1]
    for act in ("pause", "resume"):
        answer = tenant.ask("POST", f"/queues/{name}/{act}")
        assert (answer.status, answer.body["name"], answer.body["depth"]) == (200, name, 1)
    assert tenant.ask("POST", f"/queues/{name}/purge", {"confirm": name}).body == {"purged": 1}
    assert len(tenant.ask("GET", "/queues").body["data"]) == 999
    late = tenant.ask("POST", "/queues/late/pause")
    assert (late.status, late.code, late.problems) == (422, "too_many_queues", [("", "too_many_queues")])
    assert not AuditEntry.objects.filter(namespace=tenant.name, target_id="late").exists()
    assert tenant.ask("POST", "/queues/late/resume").status == 404
    assert tenant.ask("POST", "/queues/main/pause").status == 200


def test_a_queue_is_looked_at_and_changed_by_its_address(tenant: Tenant) -> None:
    tenant.bench.submit(queue="mail")
    assert tenant.ask("GET", "/queues/mail").body["depth"] == 1
    assert tenant.ask("GET", "/queues/other").status == 404
    changed = tenant.ask("PATCH", "/queues/mail", {"paused": True, "reason": "maintenance"})
    assert (changed.status, changed.body["paused"]) == (200, True)
    assert tenant.ask("PATCH", "/queues/mail", {"paused": False}).body["paused"] is False
    acts = AuditEntry.objects.filter(namespace=tenant.name, target_id="mail").order_by("id")
    assert [(act.action, act.reason) for act in acts] == [("queue.pause", "maintenance"), ("queue.resume", "")]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/paused", "required"),
        ({"paused": "yes"}, "/paused", "invalid_type"),
        ({"paused": True, "weight": 3}, "/weight", "unknown_field"),
        ({"fair": 7}, "/fair", "invalid_type"),
        ({"fair": {"by": "x"}}, "/fair/by", "unknown_field"),
        ({"fair": {"weights": []}}, "/fair/weights", "invalid_type"),
        ({"fair": {"weights": {"a/b": 0}}}, "/fair/weights/a~1b", "invalid_weight"),
        ({"fair": {"weights": {"a*b": 2}}}, "/fair/weights/a*b", "invalid_weight"),
        ({"limit": 7}, "/limit", "invalid_type"),
        ({"limit": {}}, "/limit", "no_limit"),
        ({"limit": {"concurrency": 0}}, "/limit/concurrency", "out_of_range"),
        ({"limit": {"rate": {}}}, "/limit/rate/starts", "required"),
        ({"limit": {"by": "kind"}}, "/limit/by", "unknown_field"),
        ({"paused": True, "reason": 7}, "/reason", "invalid_type"),
    ],
)
def test_what_is_no_change_of_a_queue_is_refused(tenant: Tenant, body: object, pointer: str, code: str) -> None:
    answer = tenant.ask("PATCH", "/queues/mail", body)
    assert answer.status == 422
    assert [(it["pointer"], it["code"]) for it in answer.body["errors"]] == [(pointer, code)]
    assert tenant.stored() == {}


def test_a_queue_becomes_fair_and_ends_to_be(tenant: Tenant) -> None:
    fair = {"weights": {"acme": 3, "gold-*": 2}}
    assert tenant.ask("PATCH", "/queues/mail", {"fair": fair, "reason": "one import"}).status == 200
    assert tenant.ask("GET", "/queues/mail").body["fair"] == fair
    for key in "aab":
        tenant.ask("POST", "/jobs", {"kind": "k", "queue": "mail", "limit_key": key})
    assert [lease.job.limit_key for lease in tenant.bench.claim(9, ("mail",)).leases] == ["a", "b", "a"]
    assert tenant.ask("PATCH", "/queues/mail", {"fair": None}).status == 200
    assert tenant.ask("PATCH", "/queues/mail", {"fair": None}).status == 200
    assert tenant.ask("GET", "/queues/mail").body["fair"] is None
    first, second = AuditEntry.objects.filter(namespace=tenant.name, target_id="mail").order_by("id")
    assert (first.action, first.reason, first.after) == ("queue.share", "one import", {"fair": fair})
    assert (second.before, second.after) == ({"fair": fair}, {"fair": None})


def test_a_queue_is_limited_by_its_address_and_let_go(tenant: Tenant) -> None:
    tenant.bench.submit_all([JobSpec(kind="k", queue="mail")] * 3)
    changed = tenant.ask("PATCH", "/queues/mail", {"limit": {"concurrency": 1}, "reason": "the relay is slow"})
    assert (changed.status, changed.body["paused"]) == (200, False)
    assert len(tenant.bench.claim(9, ("mail",)).leases) == 1
    assert tenant.ask("PATCH", "/queues/mail", {"limit": None, "paused": True}).body["paused"] is True
    assert tenant.ask("PATCH", "/queues/mail", {"limit": None, "paused": False}).status == 200
    assert len(tenant.bench.claim(9, ("mail",)).leases) == 2
    (made, ended) = AuditEntry.objects.filter(namespace=tenant.name, target_kind="queue-limit").order_by("id")
    assert (made.reason, made.after, ended.action) == (
        "the relay is slow",
        {"concurrency": 1, "rate": None},
        "limit.drop",
    )
