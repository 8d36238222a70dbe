"""`/namespaces` and `/audit`: made, limited, looked at, exported and deleted; nobody helps himself."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from jobs.access.credentials import forget_keys
from jobs.access.history import HistoryReading
from jobs.access.models import ApiKey, AuditEntry, Membership, Namespace
from jobs.access.operation import Operation
from jobs.access.scopes import Role
from jobs.domain.errors import BackendUnavailable
from jobs.domain.status import Status
from jobs.services import namespace_deletion, namespaces
from tests.api.lane import Answer, each_lane
from tests.api.tenant import Tenant
from tests.stores import random_namespace

ROOT = ("admin", "installation", "jobs:read")


def as_root(tenant: Tenant, method: str, target: str, body: object = b"") -> Answer:
    return tenant.ask_as(tenant.key(*ROOT), method, target, body)


def test_a_namespace_is_made_with_its_first_key_limited_and_looked_at(tenant: Tenant) -> None:
    name = random_namespace()
    body = {"name": name, "quota": {"jobs": 1}, "retention": {"ended_jobs": 5}, "weight": 3, "key": {"name": "first"}}
    made = as_root(tenant, "POST", "/namespaces", body)
    assert (made.status, made.headers["location"]) == (201, f"/namespaces/{name}")
    assert made.body["namespace"]["quota"] == {"jobs": 1, "bytes": None, "submissions_per_s": None, "running": None}
    key = made.body["key"]["key"]
    assert "installation" not in made.body["key"]["scopes"]
    assert tenant.ask_as(key, "POST", "/jobs", {"kind": "k", "payload": "x"}).status == 202
    over = tenant.ask_as(key, "POST", "/jobs", {"kind": "k"})
    assert (over.status, over.code, over.body["errors"][0]["code"]) == (429, "quota_exceeded", "stored_jobs")
    assert int(over.headers["retry-after"]) >= 1
    changed = as_root(tenant, "PATCH", f"/namespaces/{name}", {"quota": {"jobs": None, "bytes": 9}, "retention": {}})
    assert (changed.body["quota"]["jobs"], changed.body["quota"]["bytes"], changed.body["weight"]) == (None, 9, 3)
    assert as_root(tenant, "PATCH", f"/namespaces/{name}", {"weight": None}).body["weight"] == 1
    seen = tenant.ask_as(key, "GET", f"/namespaces/{name}").body
    assert (seen["use"]["jobs"], seen["use"]["bytes"], seen["retention"]["ended_jobs"]) == (1, 3, 5)
    assert seen["durability"]
    assert (seen["members"], seen["keys"], seen["status"], seen["deletion"]) == (0, 1, "active", None)
    assert [it["name"] for it in tenant.ask_as(key, "GET", "/namespaces").body["data"]] == [name]
    listed, cursor = [], ""
    while cursor is not None:
        found = as_root(tenant, "GET", f"/namespaces?limit=5{cursor and '&cursor='}{cursor}").body
        listed += [it["name"] for it in found["data"]]
        cursor = found["page"]["next"]
    assert {name, tenant.name} <= set(listed)
    assert listed == sorted(set(listed))
    again = as_root(tenant, "POST", "/namespaces", {"name": name})
    assert (again.status, again.code) == (409, "namespace_exists")


@each_lane
def test_a_quota_is_told_on_both_lanes_alone_and_in_bulk(tenant: Tenant) -> None:
    as_root(tenant, "PATCH", f"/namespaces/{tenant.name}", {"quota": {"jobs": 2}})
    answer = tenant.ask("POST", "/jobs/bulk", [{"kind": "k"}] * 3)
    assert (answer.status, answer.body["accepted"]) == (202, 2)
    problem = answer.body["items"][2]["problem"]
    assert (problem["status"], problem["code"], problem["errors"][0]["code"]) == (429, "quota_exceeded", "stored_jobs")
    whole = tenant.ask("POST", "/jobs/bulk?atomic=true", [{"kind": "k"}])
    assert (whole.status, whole.code) == (429, "quota_exceeded")
    assert int(whole.headers["retry-after"]) >= 1
    assert len(tenant.bench.queue_ids()) == 2


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "required"),
        ({"name": "No"}, "/name", "invalid_name"),
        ({"name": "n", "quota": 1}, "/quota", "invalid_type"),
        ({"name": "n", "quota": {"jobs": -1}}, "/quota/jobs", "out_of_range"),
        ({"name": "n", "quota": {"cpu": 1}}, "/quota/cpu", "unknown_field"),
        ({"name": "n", "retention": {"ended_jobs": "1"}}, "/retention/ended_jobs", "invalid_type"),
        ({"name": "n", "key": {"scopes": ["jobs:read"]}}, "/key/name", "required"),
        ({"name": "n", "weight": 0}, "/weight", "out_of_range"),
        ({"name": "n", "owner": "me"}, "/owner", "unknown_field"),
    ],
)
def test_what_is_no_namespace_is_refused(tenant: Tenant, body: object, pointer: str, code: str) -> None:
    answer = as_root(tenant, "POST", "/namespaces", body)
    assert answer.status == 422
    assert [(it["pointer"], it["code"]) for it in answer.body["errors"]] == [(pointer, code)]


def test_of_two_who_make_a_namespace_at_once_one_does_and_its_rules_hold(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, look = random_namespace(), Namespace.objects.filter
    assert as_root(tenant, "POST", "/namespaces", {"name": name, "quota": {"jobs": 7}}).status == 201

    def looked_before_it_was_there(**by: object) -> QuerySet[Namespace]:
        return Namespace.objects.none() if by == {"name": name} else look(**by)

    with monkeypatch.context() as patched:
        patched.setattr(Namespace.objects, "filter", looked_before_it_was_there)
        second = as_root(tenant, "POST", "/namespaces", {"name": name, "quota": {"jobs": 9, "running": 1}})
    assert (second.status, second.code) == (409, "namespace_exists")
    quota = as_root(tenant, "GET", f"/namespaces/{name}").body["quota"]
    assert (quota["jobs"], quota["running"]) == (7, None)


def test_of_two_who_change_parts_at_once_both_are_obeyed(tenant: Tenant) -> None:
    key, target = tenant.key(*ROOT), f"/namespaces/{tenant.name}"
    with ThreadPoolExecutor(2) as both:
        for number in range(6):
            bodies = ({"quota": {"jobs": number}}, {"quota": {"bytes": number}})
            answers = list(both.map(lambda body: tenant.ask_as(key, "PATCH", target, body), bodies))
            assert [answer.status for answer in answers] == [200, 200]
            quota = as_root(tenant, "GET", target).body["quota"]
            assert (quota["jobs"], quota["bytes"]) == (number, number)


def test_a_namespace_is_not_made_while_its_rules_cannot_be_put(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    name = random_namespace()

    def away(*_: object) -> None:
        raise BackendUnavailable("The store does not answer.")

    monkeypatch.setattr(namespaces, "_put", away)
    assert as_root(tenant, "POST", "/namespaces", {"name": name, "quota": {"jobs": 7}}).status == 503
    assert not Namespace.objects.filter(name=name).exists()


def test_an_admin_of_a_tenant_gives_nothing_that_it_has_not(tenant: Tenant) -> None:
    """Not the right over the installation, nor with a key of one scope the others; nor does it lift its own quota."""
    weak, person = tenant.key("admin"), User.objects.create_user("mallory")
    acts: list[tuple[str, str, object]] = [
        ("POST", "/api-keys", {"name": "x", "scopes": ["installation"]}),
        ("PATCH", f"/namespaces/{tenant.name}", {"quota": {"jobs": None}}),
        ("POST", "/namespaces", {"name": random_namespace()}),
        ("DELETE", f"/namespaces/{tenant.name}", {"confirm": tenant.name}),
    ]
    for method, target, body in acts:
        assert tenant.ask(method, target, body).status == 403, target
    for method, target, body in (
        ("POST", "/api-keys", {"name": "x", "scopes": ["admin", "jobs:read"]}),
        ("PUT", f"/namespaces/{tenant.name}/members/mallory", {"role": "viewer"}),
        ("GET", f"/namespaces/{tenant.name}/export", b""),
    ):
        assert tenant.ask_as(weak, method, target, body).status == 403, target
    assert not Membership.objects.filter(user=person).exists()
    assert ApiKey.objects.filter(namespace__name=tenant.name).count() == len(tenant.keys)


def test_the_audit_log_is_filtered_and_paged_in_both_directions(tenant: Tenant, other: Tenant) -> None:
    for number in range(5):
        assert tenant.ask("POST", f"/queues/q{number}/pause", {"reason": f"r{number}"}).status == 200
    other.ask("POST", "/queues/theirs/pause", {})
    first = tenant.ask("GET", "/audit?action=queue.pause&limit=2").body
    assert [entry["target_id"] for entry in first["data"]] == ["q4", "q3"]
    assert first["page"]["prev"] is None
    second = tenant.ask("GET", f"/audit?action=queue.pause&limit=2&cursor={first['page']['next']}").body
    assert [entry["target_id"] for entry in second["data"]] == ["q2", "q1"]
    back = tenant.ask("GET", f"/audit?action=queue.pause&limit=2&cursor={second['page']['prev']}").body
    assert (back["data"], back["page"]["prev"]) == (first["data"], None)
    assert [it["target_id"] for it in tenant.ask("GET", "/audit?target_kind=queue&target_id=q1").body["data"]] == ["q1"]
    assert tenant.ask("GET", "/audit?actor=key:nobody").body["data"] == []
    assert tenant.ask("GET", "/audit?before=2020-01-01T00:00:00Z").body["data"] == []
    assert len(tenant.ask("GET", "/audit?after=2020-01-01T00:00:00Z&actor=key:ci").body["data"]) == 5
    for cursor in ("x", "b", "b0", "a-1", "b" + "9" * 30, "c5"):
        answer = tenant.ask("GET", f"/audit?cursor={cursor}")
        assert (answer.status, answer.body["errors"][0]["code"]) == (422, "invalid_cursor")
    assert tenant.ask("GET", f"/audit?namespace={other.name}").status == 422


def test_an_export_has_every_job_and_says_that_it_is_whole(tenant: Tenant) -> None:
    jobs = [tenant.submit(payload=number) for number in range(45)]
    *found, end = lines(tenant.ask("GET", f"/namespaces/{tenant.name}/export"))
    assert [job["id"] for job in found] == jobs[::-1]
    assert found[0]["payload"] == 44
    assert end == {"end": {"jobs": 45, "next": None}}
    *part, end = lines(tenant.ask("GET", f"/namespaces/{tenant.name}/export?limit=30"))
    assert (len(part), end["end"]["next"]) == (30, jobs[15])
    *rest, end = lines(tenant.ask("GET", f"/namespaces/{tenant.name}/export?before={jobs[15]}"))
    assert ([job["id"] for job in part + rest], end["end"]["next"]) == (jobs[::-1], None)
    *bare, _ = lines(tenant.ask_as(tenant.key("admin", "jobs:read"), "GET", f"/namespaces/{tenant.name}/export"))
    assert all("payload" not in job for job in bare)
    assert tenant.ask("GET", f"/namespaces/{tenant.name}/export?before=x").status == 422


def lines(answer: Answer) -> list[dict[str, object]]:
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.raw.splitlines()]


def test_a_namespace_is_deleted_with_all_it_has_and_its_name_kept(tenant: Tenant, other: Tenant) -> None:
    other.one_of_each()
    other.ask("POST", "/bulk-operations", {"action": "cancel", "ids": [other.submit()]})
    person = User.objects.create_user("ada")
    Membership.objects.create(user=person, namespace=Namespace.objects.get(name=other.name), role=Role.ADMIN.value)
    bystander, key = tenant.submit(), other.key()
    target = f"/namespaces/{other.name}"
    wrong = as_root(tenant, "DELETE", target, {"confirm": "else"})
    assert (wrong.status, wrong.body["errors"][0]["code"]) == (422, "confirmation_mismatch")
    begun = as_root(tenant, "DELETE", target, {"confirm": other.name, "reason": "closed"})
    assert (begun.status, begun.body["status"]) == (202, "deleting")
    assert as_root(tenant, "DELETE", target, {"confirm": other.name}).status == 202
    assert other.ask_as(key, "GET", "/jobs").status == 401
    assert not is_worked_on_at_once(), "other processes may know its keys for two seconds more"
    assert as_root(tenant, "PATCH", target, {"quota": {"jobs": None}}).code == "namespace_deleting"
    finish_deletion(other.name)
    ended = as_root(tenant, "GET", target).body
    assert (ended["status"], ended["deletion"]["deleted_jobs"], ended["use"]["jobs"]) == ("deleted", 8, 0)
    assert as_root(tenant, "POST", "/namespaces", {"name": other.name}).code == "namespace_deleting"
    left = {key.decode().rpartition("}:")[2].partition(":")[0] for key in other.stored()}
    assert left <= {"tenant", "stats", "claim", "purge"}
    for model in (ApiKey, Membership):
        assert not model.objects.filter(namespace__name=other.name).exists()
    assert not Operation.objects.filter(namespace=other.name).exists()
    assert AuditEntry.objects.filter(namespace=other.name).exists(), "nobody removes entries"
    assert tenant.job(bystander)["status"] == "queued"
    Namespace.objects.filter(name=other.name).update(deleted_at=timezone.now() - timedelta(hours=29))
    # Written by somebody who began before the end, and was held up.
    HistoryReading.objects.create(namespace=other.name, at=0, totals="{}")
    namespace_deletion.give_names_back()
    assert not HistoryReading.objects.filter(namespace=other.name).exists()
    AuditEntry._base_manager.filter(namespace=other.name).update(at=timezone.now() - timedelta(hours=29))
    assert as_root(tenant, "POST", "/namespaces", {"name": other.name}).status == 201
    other.keys.clear()
    log = other.ask("GET", "/audit").body["data"]
    assert [entry["action"] for entry in log] == ["key.mint"], "what the old tenant did is nobody's of the same name"
    assert len(other.ask_as(other.key(*ROOT), "GET", "/audit?limit=200").body["data"]) > 3


def is_worked_on_at_once() -> bool:
    """Tell whether the loop works on a namespace whose deletion has just begun, however long this took so far."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(namespace_deletion, "_AFTER_KEYS", namespace_deletion._AFTER_KEYS + timedelta(minutes=5))
        return namespace_deletion.work_on_next()


def finish_deletion(name: str) -> None:
    """Let the loop do all of it, as if the keys had been revoked some seconds ago."""
    Namespace.objects.filter(name=name).update(deleting_since=timezone.now() - timedelta(seconds=9))
    for _ in range(50):
        if not namespace_deletion.work_on_next():
            break
    forget_keys()


def test_one_does_not_saw_at_the_branch_that_one_sits_on(tenant: Tenant) -> None:
    Namespace.objects.get_or_create(name="default")
    for name, code in ((tenant.name, "own_namespace"), ("default", "default_namespace")):
        answer = as_root(tenant, "DELETE", f"/namespaces/{name}", {"confirm": name})
        assert (answer.status, answer.code) == (409, code)
    assert tenant.bench.depth(Status.QUEUED) == 0


def test_no_log_line_has_a_key_a_hash_or_a_password(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = tenant.ask("POST", "/api-keys", {"name": "ci", "scopes": ["jobs:read"]}).body
    person = as_root(tenant, "PUT", f"/namespaces/{tenant.name}/members/eve", {"role": "viewer"}).body
    tenant.ask_as(made["key"], "GET", "/jobs")
    tenant.ask_as(made["key"], "POST", "/jobs", {"kind": "k"})
    tenant.ask("DELETE", f"/api-keys/{made['prefix']}")
    row = ApiKey.objects.get(prefix=made["prefix"])
    entries = "".join(f"{entry.before}{entry.after}{entry.reason}" for entry in AuditEntry.objects.all())
    for secret in (made["key"], made["key"].rpartition("_")[2], row.secret_hash, person["password"]):
        assert secret not in caplog.text
        assert secret not in entries
