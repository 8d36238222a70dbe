"""Which scope opens which route: the contract, compared with the table of the code and tried with keys of one scope."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.access.models import Membership, Namespace
from jobs.access.scopes import KEY_SCOPES, ROLE_SCOPES, SCOPE_OF, Role, Scope
from jobs.api.routes import ROUTES
from tests.api.alert_things import WATCHED
from tests.api.lane import Answer, each_lane
from tests.api.remote_worker import PROTOCOL, is_served
from tests.api.tenant import NOBODYS_ID, Tenant
from tests.stores import random_namespace

# What a method of a route needs. Public routes judge their callers themselves and have tests of their own.
CONTRACT: dict[tuple[str, str], Scope] = {
    ("jobs", "POST"): Scope.JOBS_WRITE,
    ("jobs", "GET"): Scope.JOBS_READ,
    ("jobs-bulk", "POST"): Scope.JOBS_WRITE,
    ("jobs-export", "GET"): Scope.JOBS_READ,
    **dict.fromkeys((("views", "GET"), ("view", "PUT"), ("view", "DELETE")), Scope.JOBS_READ),
    ("job", "GET"): Scope.JOBS_READ,
    ("job", "DELETE"): Scope.JOBS_WRITE,
    ("job-cancel", "POST"): Scope.JOBS_WRITE,
    ("job-retry", "POST"): Scope.JOBS_WRITE,
    ("job-log", "GET"): Scope.PAYLOAD_READ,
    ("queues", "GET"): Scope.JOBS_READ,
    ("queue-stats", "GET"): Scope.JOBS_READ,
    ("queue-scaling", "GET"): Scope.JOBS_READ,
    **dict.fromkeys([(name, "GET") for name in ("history", "error-groups", "error-group", "deploys")], Scope.JOBS_READ),
    **dict.fromkeys((("deploys", "POST"), ("deploy", "DELETE")), Scope.QUEUES_OPERATE),
    ("queue", "GET"): Scope.JOBS_READ,
    ("queue", "PATCH"): Scope.QUEUES_OPERATE,
    ("queue-pause", "POST"): Scope.QUEUES_OPERATE,
    ("queue-resume", "POST"): Scope.QUEUES_OPERATE,
    ("queue-purge", "POST"): Scope.QUEUES_OPERATE,
    ("workers", "GET"): Scope.JOBS_READ,
    ("worker-quiet", "POST"): Scope.QUEUES_OPERATE,
    ("worker-resume", "POST"): Scope.QUEUES_OPERATE,
    ("worker-terminate", "POST"): Scope.QUEUES_OPERATE,
    ("workflows", "GET"): Scope.JOBS_READ,
    ("workflows", "POST"): Scope.JOBS_WRITE,
    ("workflow", "GET"): Scope.JOBS_READ,
    ("workflow-cancel", "POST"): Scope.JOBS_WRITE,
    ("workflow-retry", "POST"): Scope.JOBS_WRITE,
    ("workflow-steps", "POST"): Scope.JOBS_WRITE,
    ("schedules", "GET"): Scope.JOBS_READ,
    ("schedules", "POST"): Scope.QUEUES_OPERATE,
    ("schedule-trial", "POST"): Scope.JOBS_READ,
    ("schedule", "GET"): Scope.JOBS_READ,
    ("schedule", "PUT"): Scope.QUEUES_OPERATE,
    ("schedule", "PATCH"): Scope.QUEUES_OPERATE,
    ("schedule", "DELETE"): Scope.QUEUES_OPERATE,
    ("schedule-pause", "POST"): Scope.QUEUES_OPERATE,
    ("schedule-resume", "POST"): Scope.QUEUES_OPERATE,
    ("schedule-run", "POST"): Scope.QUEUES_OPERATE,
    ("schedule-preview", "GET"): Scope.JOBS_READ,
    ("schedule-history", "GET"): Scope.JOBS_READ,
    ("job-explain", "GET"): Scope.JOBS_READ,
    **dict.fromkeys((("alerts", "GET"), ("alert", "GET")), Scope.JOBS_READ),
    **dict.fromkeys((("alert", method) for method in ("PUT", "PATCH", "DELETE")), Scope.QUEUES_OPERATE),
    **dict.fromkeys((("alert-rotate", "POST"), ("alert-test", "POST")), Scope.QUEUES_OPERATE),
    ("unique-locks", "GET"): Scope.JOBS_READ,
    ("unique-release", "POST"): Scope.QUEUES_OPERATE,
    ("limits", "GET"): Scope.JOBS_READ,
    ("limit", "GET"): Scope.JOBS_READ,
    ("limit", "PUT"): Scope.QUEUES_OPERATE,
    ("limit", "DELETE"): Scope.QUEUES_OPERATE,
    ("circuit", "PUT"): Scope.QUEUES_OPERATE,
    ("queue-limit", "GET"): Scope.JOBS_READ,
    ("queue-limit", "PUT"): Scope.QUEUES_OPERATE,
    ("queue-limit", "DELETE"): Scope.QUEUES_OPERATE,
    ("key-limit", "GET"): Scope.JOBS_READ,
    ("key-limit", "PUT"): Scope.QUEUES_OPERATE,
    ("key-limit", "DELETE"): Scope.QUEUES_OPERATE,
    ("endpoints", "GET"): Scope.ADMIN,
    ("endpoint", "GET"): Scope.ADMIN,
    ("endpoint", "PUT"): Scope.ADMIN,
    ("endpoint", "DELETE"): Scope.ADMIN,
    ("endpoint-test", "POST"): Scope.ADMIN,
    ("endpoint-rotate", "POST"): Scope.ADMIN,
    ("webhook", "GET"): Scope.ADMIN,
    ("webhook", "PUT"): Scope.ADMIN,
    ("webhook", "DELETE"): Scope.ADMIN,
    ("webhook-rotate", "POST"): Scope.ADMIN,
    ("deliveries", "GET"): Scope.JOBS_READ,
    ("delivery-resend", "POST"): Scope.JOBS_WRITE,
    ("namespaces", "GET"): Scope.ADMIN,
    ("namespaces", "POST"): Scope.INSTALLATION,
    ("namespace", "GET"): Scope.ADMIN,
    ("namespace", "PATCH"): Scope.INSTALLATION,
    ("namespace", "DELETE"): Scope.INSTALLATION,
    ("members", "GET"): Scope.ADMIN,
    ("member", "PUT"): Scope.ADMIN,
    ("member", "DELETE"): Scope.ADMIN,
    ("namespace-export", "GET"): Scope.ADMIN,
    ("api-keys", "GET"): Scope.ADMIN,
    ("api-keys", "POST"): Scope.ADMIN,
    ("api-key", "DELETE"): Scope.ADMIN,
    ("audit", "GET"): Scope.ADMIN,
    ("system", "GET"): Scope.INSTALLATION,
    ("bulk-operations", "POST"): Scope.QUEUES_OPERATE,
    ("bulk-operations", "GET"): Scope.JOBS_READ,
    ("bulk-operation", "GET"): Scope.JOBS_READ,
    ("bulk-outcomes", "GET"): Scope.JOBS_READ,
    ("bulk-abort", "POST"): Scope.QUEUES_OPERATE,
    ("bulk-pause", "POST"): Scope.QUEUES_OPERATE,
    ("bulk-resume", "POST"): Scope.QUEUES_OPERATE,
    ("job-move", "POST"): Scope.QUEUES_OPERATE,
    ("job-reprioritise", "POST"): Scope.QUEUES_OPERATE,
    **dict.fromkeys(PROTOCOL, Scope.LEASES),
}
PUBLIC = {"health", "health-live", "health-ready", "metrics", "openapi", "docs"}
BODIES: dict[str, object] = {
    "jobs": {"kind": "demo.echo"},
    "jobs-bulk": [{"kind": "demo.echo"}],
    "queue": {"paused": True},
    "queue-purge": {"confirm": "q"},
    "endpoint": {"url": "https://nobody.invalid/"},
    "limit": {"concurrency": 1},
    "alert": WATCHED,
    "deploys": {"version": "1"},
    "member": {"role": "viewer"},
    "api-keys": {"name": "ci", "scopes": ["admin"]},
    "workflows": {"name": "w", "steps": [{"name": "a", "kind": "k"}]},
    "workflow-steps": {"job_id": NOBODYS_ID, "lease_token": "t", "steps": [{"name": "a", "kind": "k"}]},
    "schedules": {"name": "s", "kind": "k", "every_ms": 60_000},
    "schedule": {"kind": "k", "every_ms": 60_000},
    "schedule-trial": {"every_ms": 60_000},
    "circuit": {"state": "open"},
    "queue-limit": {"concurrency": 1},
    "key-limit": {"concurrency": 1},
    "bulk-operations": {"action": "cancel", "ids": [NOBODYS_ID]},
    "job-move": {"queue": "q"},
    "job-reprioritise": {"priority": "low"},
}
_WITH_BODY = ("POST", "PUT", "PATCH")
PATHS = {route.name: route.path for route in ROUTES}


def address(name: str) -> str:
    """Return the route's address with ids of things that are nobody's."""
    path = PATHS[name].replace("<str:name>", "q").replace("<str:worker_id>", "w-1").replace("<str:kind>", "k")
    path = re.sub("<str:(namespace|person|prefix)>", "nobodys", path)
    return "/" + re.sub("<str:(job|operation|delivery|workflow|group|deploy)_id>", NOBODYS_ID, path)


def body_of(name: str, method: str) -> object:
    """Return a body that the route takes."""
    if (name, method) == ("namespaces", "POST"):
        return {"name": random_namespace()}
    if name == "unique-release":
        return {"key": "nobodys"}
    return PROTOCOL.get((name, method), BODIES.get(name, {}) if method in _WITH_BODY else b"")


def test_the_table_of_the_code_is_the_contract() -> None:
    table = {(route.name, method): SCOPE_OF[action] for route in ROUTES for method, action in route.actions.items()}
    assert table == CONTRACT
    assert {route.name for route in ROUTES if not route.actions} == PUBLIC
    assert {route.name for route in ROUTES if route.view.is_public} == PUBLIC


@each_lane
@pytest.mark.parametrize(("name", "method"), list(CONTRACT))
def test_a_key_opens_a_route_with_its_scope_and_with_no_other(tenant: Tenant, name: str, method: str) -> None:
    body = body_of(name, method)
    opened = set()
    for scope in KEY_SCOPES:
        answer = tenant.ask_as(tenant.key(scope.value), method, address(name), body)
        assert answer.status in ((200, 201, 202, 403, 404) if is_served((name, method), tenant.lane) else (501, 403))
        if answer.status != 403:
            opened.add(scope)
            continue
        assert answer.code == "forbidden"
        assert CONTRACT[name, method].value in answer.body["detail"]
    assert opened == {CONTRACT[name, method]}


@each_lane
@pytest.mark.parametrize(("name", "method"), list(CONTRACT))
def test_a_missing_scope_is_told_before_a_wrong_body(tenant: Tenant, name: str, method: str) -> None:
    key = tenant.key("payload:read" if CONTRACT[name, method] is Scope.LEASES else "leases")
    answer = tenant.ask_as(key, method, address(name), b"{" if method in _WITH_BODY else b"")
    assert answer.status == 403
    assert tenant.stored() == {}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("name", "method"), list(CONTRACT))
def test_a_person_may_what_the_role_may(tenant: Tenant, role: Role, name: str, method: str) -> None:
    session = _Session(tenant, role)
    answer = session.ask(method, address(name), body_of(name, method))
    if CONTRACT[name, method] is Scope.LEASES and role is Role.ADMIN:
        assert (answer.status, answer.code) == (403, "key_required"), "workers are programs"
    elif CONTRACT[name, method] in ROLE_SCOPES[role]:
        assert answer.status in (200, 201, 202, 404), answer
    else:
        assert (answer.status, answer.code) == (403, "forbidden")


def test_a_session_writes_only_with_its_token_and_from_our_own_pages(tenant: Tenant) -> None:
    session = _Session(tenant, Role.OPERATOR)
    target = f"/jobs/{tenant.submit()}"
    assert session.ask("DELETE", target, X_CSRFToken="").code == "csrf_failed"
    assert session.ask("DELETE", target, X_CSRFToken="0" * 32).code == "csrf_failed"
    for site in ("cross-site", "same-site"):
        assert session.ask("DELETE", target, Sec_Fetch_Site=site).code == "cross_site"
    assert session.ask("DELETE", target, Origin="https://evil.example").code == "csrf_failed"
    assert session.ask("DELETE", target, Sec_Fetch_Site="same-origin").status == 200


def test_a_session_ends_with_its_role(tenant: Tenant) -> None:
    session = _Session(tenant, Role.VIEWER)
    assert session.ask("GET", "/jobs").status == 200
    Membership.objects.filter(user=session.user).delete()
    assert session.ask("GET", "/jobs").status == 403
    User.objects.filter(pk=session.user.pk).update(is_active=False)
    assert session.ask("GET", "/jobs").status == 401


class _Session:
    """A browser in which a person with a role has signed in."""

    def __init__(self, tenant: Tenant, role: Role) -> None:
        self.user = User.objects.create_user(f"p-{tenant.name}", password="x")
        Membership.objects.create(user=self.user, namespace=Namespace.objects.get(name=tenant.name), role=role.value)
        browser = Client()
        browser.force_login(self.user)
        self._token = "a" * 32
        cookie = browser.cookies["ironforge_session"].value
        self._cookie = f"ironforge_session={cookie}; ironforge_csrf={self._token}"
        self._tenant = tenant

    def ask(self, method: str, target: str, body: object = b"", **headers: str) -> Answer:
        sent = {"X_CSRFToken": self._token, **headers}
        named = {name: value for name, value in sent.items() if value}
        return self._tenant.ask_anonymously(method, target, body, cookie=self._cookie, **named)
