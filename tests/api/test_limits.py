"""`/limits`: kinds are limited, listed with what they hold back, and let go."""

from __future__ import annotations

import pytest

from jobs import wiring
from jobs.access.models import AuditEntry
from jobs.domain.limit import MAX_LIMITS, Limit
from jobs.domain.status import Status
from tests.api.lane import each_lane
from tests.api.tenant import Tenant


def test_a_limit_is_set_changed_seen_and_ended(tenant: Tenant) -> None:
    made = tenant.ask("PUT", "/limits/kinds/mail.send", {"concurrency": 1, "reason": "the relay is slow"})
    assert made.status == 201
    assert made.body["rate"] is None
    tenant.bench.submit("mail.send")
    tenant.bench.submit("mail.send")
    assert len(tenant.bench.claim(9).leases) == 1
    changed = tenant.ask("PUT", "/limits/kinds/mail.send", {"rate": {"starts": 5}, "concurrency": 1})
    assert (changed.status, changed.body["rate"]) == (200, {"starts": 5, "period_ms": 1_000, "burst": 5})
    (seen,) = tenant.ask("GET", "/limits").body["data"]
    assert (seen["name"], seen["running"], seen["held"]) == ("mail.send", 1, 1)
    one = tenant.ask("GET", "/limits/kinds/mail.send").body
    (holder,) = one.pop("holders")
    assert (one, seen.pop("holders")) == (seen, [])
    assert tenant.ask("GET", f"/jobs/{holder['job_id']}").body["status"] == "running"
    assert holder["since"].endswith("Z")
    assert tenant.ask("DELETE", "/limits/kinds/mail.send").status == 204
    assert tenant.ask("GET", "/limits/kinds/mail.send").status == 404
    assert len(tenant.bench.claim(9).leases) == 1
    acts = AuditEntry.objects.filter(target_kind="limit").order_by("id")
    assert [act.action for act in acts] == ["limit.set", "limit.set", "limit.drop"]
    assert acts[1].after == {"concurrency": 1, "rate": {"starts": 5, "period_ms": 1_000, "burst": 5}}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "", "no_limit"),
        ({"concurrency": None, "rate": None}, "", "no_limit"),
        ({"concurrency": 0}, "/concurrency", "out_of_range"),
        ({"concurrency": "9"}, "/concurrency", "invalid_type"),
        ({"rate": 7}, "/rate", "invalid_type"),
        ({"rate": {}}, "/rate/starts", "required"),
        ({"rate": {"starts": 1, "per": "m"}}, "/rate/per", "unknown_field"),
        ({"rate": {"starts": 1, "period_ms": 0}}, "/rate/period_ms", "out_of_range"),
        ({"path": "payload.x", "concurrency": 1}, "/path", "unknown_field"),
        ({"circuit": {"percent": 0}}, "/circuit/percent", "out_of_range"),
        ({"circuit": {"cool_down_ms": 9_000, "max_cool_down_ms": 500}}, "/circuit/max_cool_down_ms", "out_of_range"),
        ({"circuit": 7}, "/circuit", "invalid_type"),
        ({"retry_budget": {"percents": 7}}, "/retry_budget/percents", "unknown_field"),
    ],
)
def test_what_is_no_limit_is_refused(tenant: Tenant, body: object, pointer: str, code: str) -> None:
    answer = tenant.ask("PUT", "/limits/kinds/k", body)
    assert answer.status == 422
    assert [(error["pointer"], error["code"]) for error in answer.body["errors"]] == [(pointer, code)]
    assert tenant.stored() == {}


def test_a_queue_is_limited_as_a_kind_is(tenant: Tenant) -> None:
    made = tenant.ask("PUT", "/limits/queues/main", {"concurrency": 2})
    assert (made.status, made.body["by"], made.body["name"]) == (201, "queue", "main")
    for _ in range(3):
        tenant.bench.submit("mail.send")
    assert len(tenant.bench.claim(9).leases) == 2
    seen = tenant.ask("GET", "/limits/queues/main").body
    assert (seen["running"], seen["held"], seen["concurrency"]) == (2, 1, 2)
    assert tenant.ask("GET", "/limits/kinds/main").status == 404
    assert tenant.ask("DELETE", "/limits/queues/main").status == 204
    assert len(tenant.bench.claim(9).leases) == 1


@each_lane
def test_keys_are_given_or_found_in_the_payload(tenant: Tenant) -> None:
    body = {"concurrency": 1, "path": "payload.account.id"}
    made = tenant.ask("PUT", "/limits/keys/mail.send", body)
    assert (made.status, made.body["path"]) == (201, "payload.account.id")
    asked = [
        {"kind": "mail.send", "payload": {"account": {"id": 7}}},
        {"kind": "mail.send", "payload": {"account": {"id": "8"}}},
        {"kind": "mail.send", "payload": {"account": {"id": 8}}, "limit_key": "7"},
        {"kind": "mail.send", "payload": {"account": None}},
        {"kind": "other", "payload": {"account": {"id": 7}}},
    ]
    ids = [tenant.ask("POST", "/jobs", job).body["id"] for job in asked]
    ids += [item["id"] for item in tenant.ask("POST", "/jobs/bulk", [asked[0]]).body["items"]]
    keys = [tenant.ask("GET", f"/jobs/{job_id}").body["limit_key"] for job_id in ids]
    assert keys == ["7", "8", "7", None, None, "7"]
    assert len(tenant.bench.claim(9).leases) == 4
    seen = tenant.ask("GET", "/limits/keys/mail.send").body
    assert (seen["held"], seen["held_keys"]) == (2, 1)
    seen = tenant.ask("GET", "/limits/keys/mail.send?key=7").body
    assert (seen["key"], seen["running"], seen["held"]) == ("7", 1, 2)
    assert tenant.ask("POST", "/jobs", {"kind": "k", "limit_key": "a\nb"}).status == 422
    assert tenant.ask("PUT", "/limits/keys/mail.send", {"concurrency": 1, "path": "account.id"}).status == 422


def test_a_namespace_has_so_many_and_no_more(tenant: Tenant) -> None:
    limits = wiring.backend().limits(tenant.name)
    tenant.bench.run_many([limits.put(Limit(name=f"k{number}", concurrency=1)) for number in range(MAX_LIMITS)])
    answer = tenant.ask("PUT", "/limits/kinds/one.more", {"concurrency": 1})
    assert (answer.status, answer.code) == (422, "too_many_limits")


@each_lane
def test_a_kind_has_a_circuit_that_is_turned_by_hand_and_a_retry_budget(tenant: Tenant) -> None:
    address = "/limits/kinds/mail.send"
    made = tenant.ask("PUT", address, {"circuit": {"least": 1}, "retry_budget": {"per_minute": 0}})
    assert made.status == 201
    assert (made.body["circuit"]["state"], made.body["circuit"]["percent"]) == ("closed", 50)
    assert made.body["retry_budget"]["is_spent"] is True
    job_id = tenant.bench.submit("mail.send")
    assert tenant.bench.fail(tenant.bench.lease()) is Status.FAILED
    seen = tenant.ask("GET", address).body
    assert (seen["circuit"]["state"], seen["circuit"]["opened"], seen["circuit"]["by"]) == ("open", 1, None)
    assert seen["circuit"]["until"] > seen["circuit"]["since"]
    (first, *_) = tenant.ask("GET", f"/jobs/{job_id}/explain").body["reasons"]
    assert first["code"] == "retry_budget"
    waiting = tenant.bench.submit("mail.send")
    why = tenant.ask("GET", f"/jobs/{waiting}/explain").body
    assert (why["may_start"], why["reasons"][0]["code"]) == (False, "circuit_open")
    assert why["reasons"][0]["until"] == seen["circuit"]["until"]
    by_hand = tenant.ask("PUT", f"{address}/circuit", {"state": "open", "reason": "it moves"})
    assert by_hand.status == 200
    assert (by_hand.body["circuit"]["until"], by_hand.body["circuit"]["reason"]) == (None, "it moves")
    assert "it moves" in tenant.ask("GET", f"/jobs/{waiting}/explain").body["reasons"][0]["detail"]
    assert tenant.ask("PUT", f"{address}/circuit", {"state": "closed"}).body["circuit"]["state"] == "closed"
    acts = AuditEntry.objects.filter(target_kind="circuit").order_by("id")
    assert [(act.action, act.reason, act.after) for act in acts] == [
        ("circuit.turn", "it moves", {"state": "open"}),
        ("circuit.turn", "", {"state": "closed"}),
    ]


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"state": "half_open"}, 422), ({"state": []}, 422), ({"state": "open"}, 404)]
)
def test_no_other_turn_is_taken(tenant: Tenant, body: object, status: int) -> None:
    assert tenant.ask("PUT", "/limits/kinds/k", {"concurrency": 1}).status == 201
    assert tenant.ask("PUT", "/limits/kinds/k/circuit", body).status == status


def test_queues_and_keys_have_no_circuit(tenant: Tenant) -> None:
    for address in ("/limits/queues/q", "/limits/keys/k"):
        assert tenant.ask("PUT", address, {"concurrency": 1, "circuit": {}}).status == 422
