"""`POST /jobs/bulk`: many jobs in one request, each by itself or all or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.domain.bulk_body import MAX_ATOMIC_JOBS, MAX_BULK_JOBS
from tests.api.lane import Answer, each_lane
from tests.api.tenant import Tenant

pytestmark = each_lane

JOB = {"kind": "email.send", "payload": {"to": "a@b.c"}}
LINES = "application/x-ndjson"


def stored(answer: Answer) -> list[str]:
    return [item["id"] for item in answer.body["items"] if "id" in item]


def problems(answer: Answer) -> dict[int, tuple[int, str]]:
    items: list[dict[str, Any]] = answer.body["items"]
    return {it["index"]: (it["problem"]["status"], it["problem"]["code"]) for it in items if "problem" in it}


def test_jobs_are_answered_and_queued_in_their_order(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/jobs/bulk", [{**JOB, "payload": number} for number in range(450)])
    assert answer.status == 202
    assert (answer.body["accepted"], answer.body["rejected"]) == (450, 0)
    assert [item["index"] for item in answer.body["items"]] == list(range(450))
    assert {item["status"] for item in answer.body["items"]} == {"queued"}
    for number, job_id in enumerate(stored(answer)):
        assert tenant.bench.get(job_id).payload == str(number).encode()


def test_one_bad_job_does_not_harm_the_others(tenant: Tenant) -> None:
    bad = {**JOB, "kind": "No", "priority": "urgent"}
    answer = tenant.ask("POST", "/jobs/bulk", [JOB, bad, 7, JOB])
    assert answer.status == 202
    assert (answer.body["accepted"], answer.body["rejected"]) == (2, 2)
    assert problems(answer) == {1: (422, "invalid"), 2: (422, "invalid")}
    assert [error["pointer"] for error in answer.body["items"][1]["problem"]["errors"]] == ["/kind", "/priority"]
    assert answer.body["items"][1]["problem"]["request_id"] == answer.headers["x-request-id"]
    assert sorted(tenant.bench.queue_ids()) == sorted(stored(answer))


def test_lines_are_read_one_job_each_and_blank_ones_passed_over(tenant: Tenant) -> None:
    line = json.dumps(JOB).encode()
    body = line + b"\n\n" + line + b"\r\n{bad\n" + line
    answer = tenant.ask("POST", "/jobs/bulk", body, content_type=LINES)
    assert answer.status == 202
    assert problems(answer) == {2: (400, "invalid_json")}
    assert len(stored(answer)) == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty_body"),
        (b"[", 400, "invalid_json"),
        (b"[1,]", 400, "invalid_json"),
        (b"{}", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"[" + b",".join([b"1"] * (MAX_BULK_JOBS + 1)) + b"]", 422, "invalid"),
    ],
)
def test_a_frame_that_is_no_list_of_jobs_is_refused_whole(tenant: Tenant, body: bytes, status: int, code: str) -> None:
    answer = tenant.ask("POST", "/jobs/bulk", body)
    assert (answer.status, answer.code) == (status, code)
    assert tenant.bench.queue_ids() == []


def test_atomic_stores_all_or_none(tenant: Tenant) -> None:
    refused = tenant.ask("POST", "/jobs/bulk?atomic=true", [JOB, {**JOB, "kind": "No"}, JOB])
    assert (refused.status, refused.problems) == (422, [("/1/kind", "invalid_name")])
    assert tenant.bench.queue_ids() == []
    answer = tenant.ask("POST", "/jobs/bulk?atomic=true", [JOB] * MAX_ATOMIC_JOBS)
    assert (answer.status, answer.body["accepted"]) == (202, MAX_ATOMIC_JOBS)
    assert tenant.bench.queue_ids() == stored(answer)


def test_atomic_refuses_more_than_one_step_can_store(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/jobs/bulk?atomic=true", [JOB] * (MAX_ATOMIC_JOBS + 1))
    assert (answer.status, answer.code) == (422, "atomic_too_large")
    assert tenant.bench.queue_ids() == []


@pytest.mark.parametrize("query", ["atomic=yes", "atomic=true&atomic=true", "other=1"])
def test_a_query_that_means_nothing_is_refused(tenant: Tenant, query: str) -> None:
    assert tenant.ask("POST", f"/jobs/bulk?{query}", [JOB]).status == 422
    assert tenant.bench.queue_ids() == []


@pytest.mark.parametrize("query", ["", "?atomic=true"])
def test_a_repeated_request_makes_no_second_job(tenant: Tenant, query: str) -> None:
    first = tenant.ask("POST", f"/jobs/bulk{query}", [JOB, JOB], idempotency_key="k")
    again = tenant.ask("POST", f"/jobs/bulk{query}", [JOB, JOB], idempotency_key="k")
    assert (first.status, again.status) == (202, 202)
    assert stored(again) == stored(first) == tenant.bench.queue_ids()


def test_a_key_that_came_with_another_request_refuses_its_jobs(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/jobs/bulk", [JOB], idempotency_key="k")
    each = tenant.ask("POST", "/jobs/bulk", [JOB, JOB], idempotency_key="k")
    assert problems(each) == {0: (422, "idempotency_mismatch")}
    assert len(stored(each)) == 1
    whole = tenant.ask("POST", "/jobs/bulk?atomic=true", [JOB, JOB, JOB], idempotency_key="k")
    assert (whole.status, whole.code) == (422, "idempotency_mismatch")
    assert tenant.bench.queue_ids() == [*stored(first), *stored(each)]


def test_a_bulk_may_be_larger_than_a_single_job(tenant: Tenant) -> None:
    large = {**JOB, "payload": "x" * 250_000}
    answer = tenant.ask("POST", "/jobs/bulk", [large] * 6)
    assert (answer.status, answer.body["accepted"]) == (202, 6)


def test_a_key_without_the_right_submits_nothing(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/jobs/bulk", [JOB], authorization=f"Bearer {tenant.key('jobs:read')}")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert tenant.bench.queue_ids() == []
