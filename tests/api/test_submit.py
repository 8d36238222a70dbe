"""`POST /jobs`: what is accepted, and what the client is told."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.lane import each_submission_lane
from tests.api.tenant import Tenant
from tests.backends.situations import fill_queues

pytestmark = each_submission_lane

EXAMPLE = {
    "kind": "email.send",
    "payload": {"to": "user@example.com", "template": "welcome"},
    "priority": "high",
    "max_retries": 3,
}
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_the_example_of_the_outline_is_accepted_to_the_letter(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/jobs", EXAMPLE)
    assert answer.status == 202
    assert list(answer.body) == ["id", "status", "created_at"]
    assert answer.body["status"] == "queued"
    assert uuid.UUID(answer.body["id"]).version == 7
    assert re.fullmatch(_TIME, answer.body["created_at"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"] == f"/jobs/{answer.body['id']}"
    assert "idempotent-replayed" not in answer.headers


def test_an_accepted_job_is_there_with_its_defaults(tenant: Tenant) -> None:
    accepted = tenant.ask("POST", "/jobs", {"kind": "demo.echo"})
    job = tenant.job(accepted.body["id"])
    assert {name: job[name] for name in ("kind", "payload", "queue", "priority", "status")} == {
        "kind": "demo.echo",
        "payload": None,
        "queue": "main",
        "priority": "medium",
        "status": "queued",
    }
    assert (job["max_retries"], job["retry_count"], job["timeout_ms"]) == (3, 0, 60_000)
    assert (job["delivery"], job["metadata"], job["attempts"]) == ("at_least_once", {}, [])
    assert job["backoff"] == {"base_ms": 1_000, "max_ms": 300_000, "jitter": "none"}
    assert job["created_at"] == accepted.body["created_at"]


def test_every_field_is_kept_as_it_was_sent(tenant: Tenant) -> None:
    sent = {
        **EXAMPLE,
        "queue": "mail-1.a_b",
        "timeout_ms": 86_400_000,
        "max_retries": 255,
        "metadata": {"team": "payments", "région": "île 🔥"},
        "delivery": "at_most_once",
        "backoff": {"base_ms": 5, "max_ms": 50, "jitter": "full"},
    }
    job = tenant.job(tenant.ask("POST", "/jobs", sent).body["id"])
    assert {name: job[name] for name in sent} == sent


@pytest.mark.parametrize(
    "payload",
    [None, True, 0, -1.5, 2**53 + 1, 10**60, "", "\0\x1b[31m\r\n\u202e", [], {}, [[], {"": None}], {"a": {"b": [1]}}],
    ids=repr,
)
def test_a_payload_comes_back_as_it_went_in(tenant: Tenant, payload: object) -> None:
    job_id = tenant.submit(payload=payload)
    assert tenant.job(job_id)["payload"] == payload


def test_a_job_for_later_is_scheduled_and_one_for_earlier_is_queued(tenant: Tenant) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    answer = tenant.ask("POST", "/jobs", {"kind": "demo.echo", "scheduled_for": later.isoformat()})
    assert (answer.status, answer.body["status"]) == (202, "scheduled")
    kept = datetime.fromisoformat(tenant.job(answer.body["id"])["scheduled_for"])
    assert abs(kept - later) < timedelta(milliseconds=1)
    past = tenant.ask("POST", "/jobs", {"kind": "demo.echo", "scheduled_for": "2020-01-01T00:00:00+02:00"})
    assert (past.status, past.body["status"]) == (202, "queued")


def test_every_priority_lands_in_its_order(tenant: Tenant) -> None:
    ids = {level: tenant.submit(priority=level) for level in ("low", "medium", "high", "critical")}
    assert tenant.bench.queue_ids() == [ids[level] for level in ("critical", "high", "medium", "low")]


def test_the_same_route_is_there_under_its_version(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/api/v1/jobs", EXAMPLE)
    assert answer.status == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.body['id']}"
    assert tenant.ask("GET", answer.headers["location"]).body["kind"] == "email.send"


@pytest.mark.parametrize("length", [256 * 1024, 256 * 1024 + 1])
def test_a_payload_has_its_bound_to_the_byte(tenant: Tenant, length: int) -> None:
    text = "é" * ((length - 2) // 2) + "x" * (length % 2)
    answer = tenant.ask("POST", "/jobs", json.dumps({"kind": "k", "payload": text}, ensure_ascii=False).encode())
    if length <= 256 * 1024:
        assert answer.status == 202
    else:
        assert (answer.status, answer.problems) == (422, [("/payload", "too_large")])


@pytest.mark.parametrize(("depth", "status"), [(64, 202), (65, 422)])
def test_a_payload_nests_sixty_four_levels_deep(tenant: Tenant, depth: int, status: int) -> None:
    answer = tenant.ask("POST", "/jobs", b'{"kind":"k","payload":' + b"[" * depth + b"]" * depth + b"}")
    assert answer.status == status
    if status == 422:
        assert answer.problems == [("/payload", "too_deep")]


def test_every_problem_is_named_at_once(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/jobs", {"kind": "A B", "priority": 7, "max_retries": -1, "state": "x", "a/b~": 1})
    assert answer.status == 422
    assert sorted(answer.problems) == [
        ("/a~1b~0", "unknown_field"),
        ("/kind", "invalid_name"),
        ("/max_retries", "out_of_range"),
        ("/priority", "invalid_choice"),
        ("/state", "unknown_field"),
    ]


def test_a_new_queue_beyond_the_bound_is_refused_and_stores_nothing(tenant: Tenant) -> None:
    fill_queues(tenant.bench)
    before = tenant.stored()
    answer = tenant.ask("POST", "/jobs", {"kind": "demo.echo", "queue": "late"}, idempotency_key="k")
    assert (answer.status, answer.code, answer.problems) == (422, "too_many_queues", [("/queue", "too_many_queues")])
    assert tenant.stored() == before
    assert tenant.ask("POST", "/jobs", {"kind": "demo.echo", "queue": "q0001"}).status == 202
    assert tenant.ask("POST", "/jobs", {"kind": "demo.echo"}).status == 202
