"""`/limits`: kinds are limited, listed with what they hold back, and let go."""

from __future__ import annotations

import pytest

from jobs import wiring
from jobs.access.models import AuditEntry
from jobs.domain.limit import MAX_LIMITS, Limit
from tests.api.tenant import Tenant


def test_a_limit_is_set_changed_seen_and_ended(tenant: Tenant) -> None:
    made = tenant.ask("PUT", "/limits/mail.send", {"concurrency": 1, "reason": "the relay is slow"})
    assert made.status == 201
    assert made.body["rate"] is None
    tenant.bench.submit("mail.send")
    tenant.bench.submit("mail.send")
    assert len(tenant.bench.claim(9).leases) == 1
    changed = tenant.ask("PUT", "/limits/mail.send", {"rate": {"starts": 5}, "concurrency": 1})
    assert (changed.status, changed.body["rate"]) == (200, {"starts": 5, "period_ms": 1_000, "burst": 5})
    (seen,) = tenant.ask("GET", "/limits").body["data"]
    assert (seen["kind"], seen["running"], seen["held"]) == ("mail.send", 1, 1)
    assert tenant.ask("GET", "/limits/mail.send").body == seen
    assert tenant.ask("DELETE", "/limits/mail.send").status == 204
    assert tenant.ask("GET", "/limits/mail.send").status == 404
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
        ({"queue": "x", "concurrency": 1}, "/queue", "unknown_field"),
    ],
)
def test_what_is_no_limit_is_refused(tenant: Tenant, body: object, pointer: str, code: str) -> None:
    answer = tenant.ask("PUT", "/limits/k", body)
    assert answer.status == 422
    assert [(error["pointer"], error["code"]) for error in answer.body["errors"]] == [(pointer, code)]
    assert tenant.stored() == {}


def test_a_namespace_has_so_many_and_no_more(tenant: Tenant) -> None:
    limits = wiring.backend().limits(tenant.name)
    tenant.bench.run_many([limits.put(Limit(kind=f"k{number}", concurrency=1)) for number in range(MAX_LIMITS)])
    answer = tenant.ask("PUT", "/limits/one.more", {"concurrency": 1})
    assert (answer.status, answer.code) == (422, "too_many_limits")
