"""`Idempotency-Key`: one key never makes two jobs."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from jobs.domain.status import Status
from tests.api.lane import each_lane
from tests.api.tenant import Tenant

pytestmark = each_lane

JOB = {"kind": "email.send", "payload": {"to": "a@b.c"}}


def test_a_repeated_request_answers_with_the_first_job(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/jobs", JOB, idempotency_key="order-17")
    again = tenant.ask("POST", "/jobs", JOB, idempotency_key="order-17")
    assert (first.status, again.status) == (202, 200)
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert tenant.bench.queue_ids() == [first.body["id"]]


def test_a_replay_tells_the_present_status_of_the_job(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/jobs", JOB, idempotency_key="k")
    lease = tenant.bench.lease()
    assert tenant.ask("POST", "/jobs", JOB, idempotency_key="k").body["status"] == "running"
    assert tenant.bench.settle(lease) is Status.COMPLETED
    done = tenant.ask("POST", "/jobs", JOB, idempotency_key="k")
    assert (done.status, done.body) == (200, {**first.body, "status": "completed"})


def test_another_body_under_the_same_key_is_refused(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/jobs", JOB, idempotency_key="k")
    for other in ({**JOB, "priority": "low"}, json.dumps(JOB, indent=1).encode()):
        answer = tenant.ask("POST", "/jobs", other, idempotency_key="k")
        assert (answer.status, answer.code) == (422, "idempotency_mismatch")
        assert answer.problems == [("Idempotency-Key", "idempotency_mismatch")]
        assert answer.body["retryable"] is False
    assert tenant.bench.queue_ids() == [first.body["id"]]


def test_a_refused_request_leaves_its_key_free(tenant: Tenant) -> None:
    assert tenant.ask("POST", "/jobs", {**JOB, "kind": "No"}, idempotency_key="k").status == 422
    assert tenant.ask("POST", "/jobs", JOB, idempotency_key="k").status == 202


def test_a_key_counts_in_its_own_namespace_only(tenant: Tenant, other: Tenant) -> None:
    mine = tenant.ask("POST", "/jobs", JOB, idempotency_key="k")
    theirs = other.ask("POST", "/jobs", {**JOB, "priority": "low"}, idempotency_key="k")
    assert (mine.status, theirs.status) == (202, 202)
    assert mine.body["id"] != theirs.body["id"]


def test_both_addresses_share_their_keys(tenant: Tenant) -> None:
    first = tenant.ask("POST", "/jobs", JOB, idempotency_key="k")
    again = tenant.ask("POST", "/api/v1/jobs", JOB, idempotency_key="k")
    assert (again.status, again.body["id"]) == (200, first.body["id"])
    assert again.headers["location"] == f"/api/v1/jobs/{first.body['id']}"


@pytest.mark.parametrize("key", ["a", "x" * 255, "a b", "!~"])
def test_a_printable_key_of_up_to_255_characters_is_taken(tenant: Tenant, key: str) -> None:
    assert tenant.ask("POST", "/jobs", JOB, idempotency_key=key).status == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\x7f", "\x01", "a\tb"])
def test_another_key_is_refused(tenant: Tenant, key: str) -> None:
    answer = tenant.ask("POST", "/jobs", JOB, idempotency_key=key)
    assert (answer.status, answer.problems) == (422, [("Idempotency-Key", "invalid_name")])
    assert tenant.bench.queue_ids() == []


def test_keys_that_look_like_keys_of_the_store_are_kept_apart(tenant: Tenant) -> None:
    keys = ["a:b", "{x}", "*", "..", "A", "a", "a:b:0", "{default/0}"]
    answers = [tenant.ask("POST", "/jobs", JOB, idempotency_key=key) for key in keys]
    assert len({answer.body["id"] for answer in answers}) == len(keys)


def test_a_thousand_requests_at_once_with_one_key_make_one_job(tenant: Tenant) -> None:
    request = tenant.request("POST", "/jobs", JOB, idempotency_key="once")
    answers = tenant.lane.ask_all([request] * 1_000, at_once=24)
    assert Counter(answer.status for answer in answers) == {202: 1, 200: 999}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(tenant.bench.queue_ids()) == 1
    assert tenant.bench.totals()["submitted:medium"] == 1
