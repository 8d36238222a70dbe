"""Tenants do not see one another: every method of every address in the URLconf, tried on another tenant's things.

An address without an entry in `FOREIGN` or `OWN` fails, so that a new route cannot be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from jobs import wiring
from jobs.access.models import AuditEntry
from jobs.access.operation import Operation
from jobs.access.scopes import SCOPE_OF, Scope
from jobs.api.routes import ROUTES
from jobs.domain.endpoint import Endpoint, Secret
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.signature import new_secret
from jobs.domain.status import Status
from tests.api.alert_things import ALERTS
from tests.api.error_things import deploy_of, error_group_of
from tests.api.lane import Answer
from tests.api.remote_worker import PROTOCOL
from tests.api.tenant import ANY_STATUS, NOBODYS_ID, Tenant
from tests.api.things import FOREIGN_LIMITS, key_of, member_of, namespace_of, schedule_of, view_of
from tests.api.workflow_things import WORKFLOWS
from tests.backends.test_heartbeat import record

Make = Callable[[Tenant], str]


def operation_of(tenant: Tenant) -> str:
    """Return a finished operation of the tenant."""
    answer = tenant.ask("POST", "/bulk-operations", {"action": "cancel", "ids": [NOBODYS_ID]})
    return str(answer.body["id"])


def dead_letter_of(tenant: Tenant) -> str:
    return tenant.job_in(Status.DEAD_LETTER)


def queued_of(tenant: Tenant) -> str:
    return tenant.job_in(Status.QUEUED)


def queue_of(tenant: Tenant) -> str:
    tenant.bench.submit(queue="theirs")
    return "theirs"


def worker_of(tenant: Tenant) -> str:
    tenant.bench.run(tenant.bench.consumer.heartbeat(record("theirs", via="http")))
    return "theirs"


def endpoint_of(tenant: Tenant, kind: str = "theirs") -> str:
    """Return a kind that is bound to where nothing may be sent, so that a test of it costs nothing."""
    endpoint = Endpoint(kind=kind, url="http://127.0.0.1:9999/", secrets=(Secret(new_secret()),))
    assert tenant.bench.run(wiring.backend().endpoints(tenant.name).bind(endpoint, None)) == "bound"
    return kind


def delivery_of(tenant: Tenant) -> str:
    """Return a delivery that was answered."""
    job_id = tenant.bench.submit(webhook="https://8.8.8.8/hook")
    tenant.bench.settle(tenant.bench.lease())
    tenant.bench.settle(tenant.bench.lease(queues=(DELIVERY_QUEUE,)), result=b'{"status_code":200,"answer":"ok"}')
    return tenant.bench.get(job_id).deliveries[0]


# How to make the thing that the address names, what is then sent, and what names nothing instead.
FOREIGN: dict[tuple[str, str], tuple[Make, object, str]] = {
    **FOREIGN_LIMITS,
    ("view", "DELETE"): (view_of, b"", "nobodys"),
    ("job", "GET"): (queued_of, b"", NOBODYS_ID),
    ("job", "DELETE"): (queued_of, b"", NOBODYS_ID),
    ("job-cancel", "POST"): (queued_of, {}, NOBODYS_ID),
    ("job-retry", "POST"): (dead_letter_of, {"payload": 1}, NOBODYS_ID),
    ("delivery-resend", "POST"): (delivery_of, {}, NOBODYS_ID),
    ("job-explain", "GET"): (queued_of, b"", NOBODYS_ID),
    ("job-log", "GET"): (queued_of, b"", NOBODYS_ID),
    ("worker-quiet", "POST"): (worker_of, {}, "nobodys"),
    ("worker-resume", "POST"): (worker_of, {}, "nobodys"),
    ("worker-terminate", "POST"): (worker_of, {}, "nobodys"),
    **WORKFLOWS,
    **ALERTS,
    ("error-group", "GET"): (error_group_of, b"", "0" * 16),
    ("deploy", "DELETE"): (deploy_of, b"", "0"),
    ("schedule", "GET"): (schedule_of, b"", "nobodys"),
    ("schedule", "PATCH"): (schedule_of, {"every_ms": 1_000}, "nobodys"),
    ("schedule", "DELETE"): (schedule_of, b"", "nobodys"),
    ("schedule-pause", "POST"): (schedule_of, {}, "nobodys"),
    ("schedule-resume", "POST"): (schedule_of, {}, "nobodys"),
    ("schedule-run", "POST"): (schedule_of, {}, "nobodys"),
    ("schedule-preview", "GET"): (schedule_of, b"", "nobodys"),
    ("schedule-history", "GET"): (schedule_of, b"", "nobodys"),
    ("endpoint", "GET"): (endpoint_of, b"", "nobodys"),
    ("endpoint", "DELETE"): (endpoint_of, b"", "nobodys"),
    ("endpoint-test", "POST"): (endpoint_of, {}, "nobodys"),
    ("endpoint-rotate", "POST"): (endpoint_of, {}, "nobodys"),
    ("queue", "GET"): (queue_of, b"", "nobodys"),
    ("queue", "PATCH"): (queue_of, {"paused": False}, "nobodys"),
    ("queue-resume", "POST"): (queue_of, {}, "nobodys"),
    ("queue-purge", "POST"): (queue_of, {"confirm": "theirs"}, "nobodys"),
    ("namespace", "GET"): (namespace_of, b"", "nobodys"),
    ("namespace", "PATCH"): (namespace_of, {"quota": {"jobs": 1}}, "nobodys"),
    ("namespace", "DELETE"): (namespace_of, {"confirm": "theirs"}, "nobodys"),
    ("members", "GET"): (namespace_of, b"", "nobodys"),
    ("member", "PUT"): (member_of, {"role": "admin"}, "nobodys/members/nobody"),
    ("member", "DELETE"): (member_of, b"", "nobodys/members/nobody"),
    ("namespace-export", "GET"): (namespace_of, b"", "nobodys"),
    ("api-key", "DELETE"): (key_of, b"", "nobodys"),
    ("bulk-operation", "GET"): (operation_of, b"", NOBODYS_ID),
    ("bulk-outcomes", "GET"): (operation_of, b"", NOBODYS_ID),
    **{(f"bulk-{act}", "POST"): (operation_of, {}, NOBODYS_ID) for act in ("abort", "pause", "resume")},
    ("job-move", "POST"): (queued_of, {"queue": "q"}, NOBODYS_ID),
    ("job-reprioritise", "POST"): (queued_of, {"priority": "low"}, NOBODYS_ID),
    ("worker", "DELETE"): (worker_of, b"", "nobody"),
    ("worker-heartbeat", "POST"): (worker_of, {}, "nobody"),
}
# Acts on what is one's own, whatever another tenant has: proven by tests below, and in test_worker_protocol.py.
OWN = {
    *(("jobs", "POST"), ("jobs", "GET"), ("jobs-export", "GET"), ("jobs-bulk", "POST")),
    *((name, "GET") for name in ("queues", "queue-stats", "queue-scaling", "history", "alerts")),
    *(("views", "GET"), ("view", "PUT"), ("error-groups", "GET"), ("deploys", "GET"), ("deploys", "POST")),
    ("queue-pause", "POST"),
    ("workers", "GET"),
    *(("workflows", "GET"), ("workflows", "POST")),
    ("schedules", "GET"),
    ("schedules", "POST"),
    ("schedule-trial", "POST"),
    ("schedule", "PUT"),
    *(("unique-locks", "GET"), ("unique-release", "POST")),
    ("limits", "GET"),
    ("limit", "PUT"),
    *(("queue-limit", "PUT"), ("key-limit", "PUT"), ("alert", "PUT")),
    ("endpoints", "GET"),
    ("endpoint", "PUT"),
    ("webhook", "GET"),
    ("webhook", "PUT"),
    ("webhook", "DELETE"),
    ("webhook-rotate", "POST"),
    ("deliveries", "GET"),
    ("bulk-operations", "POST"),
    ("bulk-operations", "GET"),
    ("namespaces", "GET"),
    ("namespaces", "POST"),
    ("api-keys", "GET"),
    ("api-keys", "POST"),
    *((name, "GET") for name in ("audit", "system")),
    *(PROTOCOL.keys() - {("worker", "DELETE"), ("worker-heartbeat", "POST")}),
}
PUBLIC = {"health", "health-live", "health-ready", "metrics", "openapi", "docs"}
PUBLIC_PATHS = {route.path for route in ROUTES if route.name in PUBLIC}
# Faces with tests of their own.
ELSEWHERE = ("console/",)


def addresses(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Return every address of the site with its pattern."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        else:
            yield path, pattern


def api_addresses() -> list[tuple[str, str, str]]:
    """Return path, name and method of everything that the API serves."""
    found = []
    for path, pattern in addresses(get_resolver().url_patterns):
        if path.startswith(ELSEWHERE) or pattern.name == "root":
            continue
        name = str(pattern.name).removeprefix("api-")
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        methods = [method.upper() for method in view.http_method_names if hasattr(view, method) and method != "options"]
        found += [(path, name, method) for method in methods if name not in PUBLIC]
    return found


ADDRESSES = api_addresses()
_ACTION_OF = {(route.name, method): action for route in ROUTES for method, action in route.actions.items()}


def test_every_address_of_the_site_has_its_entry() -> None:
    assert {(name, method) for _, name, method in ADDRESSES} == set(FOREIGN) | OWN
    assert {path.removeprefix("api/v1/") for path, _, _ in ADDRESSES} | PUBLIC_PATHS == {r.path for r in ROUTES}
    assert len(ADDRESSES) == 2 * len({(name, method) for _, name, method in ADDRESSES}), "at the root and under v1"


def test_an_entry_belongs_to_what_is_named_in_the_address() -> None:
    named = {(name, method) for path, name, method in ADDRESSES if "<" in path}
    limits = {(name, "PUT") for name in ("limit", "queue-limit", "key-limit", "alert", "view")}
    assert set(FOREIGN) | limits | {("queue-pause", "POST"), ("endpoint", "PUT"), ("schedule", "PUT")} == named


@pytest.mark.parametrize(("path", "name", "method"), [row for row in ADDRESSES if row[1:] in FOREIGN], ids=str)
def test_what_is_another_tenants_reads_like_what_is_not_there(
    tenant: Tenant, other: Tenant, path: str, name: str, method: str
) -> None:
    make, body, missing = FOREIGN[name, method]
    theirs = make(other)
    before, acts = other.stored(), acts_of(other)
    answer, nothing = (tenant.ask(method, "/" + re.sub("<.*>", thing, path), body) for thing in (theirs, missing))
    # Who runs the installation reaches all; nobody else is told more than that.
    wanted = 403 if SCOPE_OF[_ACTION_OF[name, method]] is Scope.INSTALLATION else 404
    assert (answer.status, nothing.status) == (wanted, wanted)
    names = [thing.partition("/")[0] for thing in (theirs, missing)]
    assert anonymous(answer, names[0]) == anonymous(nothing, names[1])
    assert (other.stored(), acts_of(other)) == (before, acts)
    assert tenant.stored() == {}


@pytest.mark.parametrize("status", ANY_STATUS)
@pytest.mark.parametrize(
    ("method", "rest"), [("GET", "?wait=30"), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry")]
)
def test_no_status_of_a_foreign_job_shows_through(
    tenant: Tenant, other: Tenant, status: Status, method: str, rest: str
) -> None:
    job_id = other.job_in(status)
    before = other.stored()
    answer = tenant.ask(method, f"/jobs/{job_id}{rest}")
    assert (answer.status, answer.code) == (404, "not_found")
    assert other.stored() == before


@pytest.mark.parametrize("action", ["retry", "cancel", "discard"])
def test_foreign_ids_in_a_bulk_operation_are_not_found_one_by_one(tenant: Tenant, other: Tenant, action: str) -> None:
    theirs = list(other.one_of_each().values())
    before = other.stored()
    answer = tenant.ask("POST", "/bulk-operations", {"action": action, "ids": theirs})
    assert (answer.status, answer.body["skipped"]) == (202, len(theirs))
    outcomes = tenant.ask("GET", f"/bulk-operations/{answer.body['id']}/outcomes").body["data"]
    assert {(item["code"], item["status"]) for item in outcomes} == {("not_found", None)}
    assert tenant.ask("POST", "/bulk-operations", {"action": "cancel", "filter": {}}).body["total"] == 0
    assert other.stored() == before


def test_a_queue_of_the_same_name_is_another_queue(tenant: Tenant, other: Tenant) -> None:
    theirs, mine = queue_of(other), tenant.bench.submit(queue="theirs")
    before = other.stored()
    assert tenant.ask("POST", f"/queues/{theirs}/pause").status == 200
    assert tenant.ask("POST", f"/queues/{theirs}/resume").status == 200
    assert tenant.ask("POST", f"/queues/{theirs}/purge", {"confirm": theirs}).body == {"purged": 1}
    assert tenant.ask("GET", f"/jobs/{mine}").status == 404
    assert other.stored() == before


def test_lists_and_numbers_hold_only_ones_own(tenant: Tenant, other: Tenant) -> None:
    other.one_of_each()
    for target in ("/jobs", *(f"/jobs?status={status}" for status in Status), "/queues", "/queues/scaling", "/workers"):
        assert tenant.ask("GET", target).body["data"] == []
    stats = tenant.ask("GET", "/queues/stats").body
    assert (stats["submitted_total"], stats["queues"], set(stats["by_status"].values())) == (0, [], {0})


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/jobs", {"X-Namespace": "{other}", "Ironforge-Namespace": "{other}"}),
        ("/jobs", {"Cookie": "namespace={other}; ironforge_namespace={other}"}),
    ],
)
def test_the_namespace_comes_from_the_key_alone(
    tenant: Tenant, other: Tenant, target: str, headers: dict[str, str]
) -> None:
    named = {name: value.format(other=other.name) for name, value in headers.items()}
    assert tenant.ask("POST", target, {"kind": "k"}, **named).status == 202
    assert len(tenant.bench.queue_ids()) == 1
    assert other.stored() == {}


@pytest.mark.parametrize("way", ["query", "field", "tag"])
def test_a_namespace_in_the_request_is_unknown_or_means_nothing(tenant: Tenant, other: Tenant, way: str) -> None:
    target = f"/jobs?namespace={other.name}" if way == "query" else "/jobs"
    more = {"field": {"namespace": other.name}, "tag": {"metadata": {"namespace": other.name}}}.get(way, {})
    answer = tenant.ask("POST", target, {"kind": "k", **more})
    assert answer.status == (202 if way == "tag" else 422)
    assert other.stored() == {}


def acts_of(tenant: Tenant) -> tuple[int, int]:
    """Return how many entries and operations the database keeps of a tenant."""
    entries = AuditEntry.objects.filter(namespace=tenant.name).count()
    return entries, Operation.objects.filter(namespace=tenant.name).count()


def anonymous(answer: Answer, thing: str) -> dict[str, Any]:
    """Return the body without what names this one request."""
    return {
        name: value.replace(thing, "…") if isinstance(value, str) else value
        for name, value in answer.body.items()
        if name != "request_id"
    }
