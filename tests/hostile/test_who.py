"""Strangers, keys of one scope and people of each role at every address with every method it has."""

from __future__ import annotations

import pytest

from jobs.access.scopes import KEY_SCOPES, ROLE_SCOPES, Role, Scope
from tests.api import remote_worker
from tests.api.alert_things import WATCHED
from tests.api.lane import Answer, Request, each_lane
from tests.api.refusals import is_problem
from tests.api.tenant import Tenant
from tests.api.workflow_things import ADDED
from tests.hostile.conftest import SignIn, stranger
from tests.hostile.site_table import NOBODYS_ID, PROTOCOL, ROWS, Body, Open, Row, address, method_of

MARK = "marker-of-a-tenant"
SENT: dict[str, object] = {
    "jobs": {"kind": "demo.echo"},
    "jobs/bulk": [{"kind": "demo.echo"}],
    "bulk-operations": {"action": "cancel", "ids": [NOBODYS_ID]},
    "queues/<str:name>/purge": {"confirm": "nobodys"},
    "PUT endpoints/<str:kind>": {"url": "https://nobody.invalid/"},
    "jobs/<str:job_id>/move": {"queue": "q"},
    "jobs/<str:job_id>/reprioritise": {"priority": "low"},
    "PUT limits/kinds/<str:kind>": {"concurrency": 1},
    "PUT limits/kinds/<str:kind>/circuit": {"state": "open"},
    "PUT limits/queues/<str:name>": {"concurrency": 1},
    "PUT limits/keys/<str:kind>": {"concurrency": 1},
    "PATCH queues/<str:name>": {"paused": False},
    "PUT alerts/<str:name>": WATCHED,
    "PATCH alerts/<str:name>": {"threshold": 2},
    "PUT views/<str:name>": {"query": "kind=k"},
    "POST deploys": {"version": "1"},
    "unique-locks/release": {"key": "nobodys"},
    "POST schedules": {"name": "s", "kind": "demo.echo", "every_ms": 86_400_000},
    "schedules/preview": {"every_ms": 86_400_000},
    "PUT schedules/<str:name>": {"kind": "demo.echo", "every_ms": 86_400_000},
    "POST workflows": {"name": "w", "steps": [{"name": "s", "kind": "demo.echo"}]},
    "workflows/<str:workflow_id>/steps": ADDED,
    "POST namespaces": {"name": "default"},
    "PUT namespaces/<str:namespace>/members/<str:person>": {"role": "viewer"},
    "POST api-keys": {"name": "ci", "scopes": ["admin"]},
    **{
        row.path: remote_worker.PROTOCOL[name]
        for name, row in zip(remote_worker.PROTOCOL, PROTOCOL.values(), strict=True)
    },
}
FORM = b"confirm=nobodys&action=discard&id=x&namespace=x&back=/console/"
# Under the version prefix stand the same views once more (jobs/api/urls.py): some of them are enough.
ASKED = tuple(row for at, row in enumerate(ROWS) if at % 4 == 0 or not row.path.startswith("api/v1/"))


def sent_to(row: Row) -> object:
    """Return a body that the row takes."""
    if row.body is Body.FORM:
        return FORM
    path = row.path.removeprefix("api/v1/")
    return b"" if row.body is Body.NONE else SENT.get(f"{row.method} {path}", SENT.get(path, {}))


def leads_to_login(answer: Answer) -> bool:
    return answer.status == 302 and answer.headers["location"].startswith("/console/login?next=")


def ask_everywhere(tenant: Tenant, make: list[Request]) -> list[tuple[Row, Answer]]:
    return list(zip(ASKED, tenant.lane.ask_all(make, at_once=4), strict=True))


def seeded(tenant: Tenant) -> Tenant:
    """Return the tenant with its name on everything that has one."""
    tenant.bench.dead_letter(kind=MARK, queue=MARK, metadata={"who": MARK}, payload=f'"{MARK}"'.encode())
    return tenant


def test_a_stranger_learns_nothing_anywhere(tenant: Tenant) -> None:
    before = seeded(tenant).stored()
    requests = [stranger(method_of(row), address(row), sent_to(row)) for row in ASKED]
    for row, answer in ask_everywhere(tenant, requests):
        text = answer.raw.decode() + str(dict(answer.headers))
        assert MARK not in text, row
        assert tenant.name not in text, row
        if row.is_open or row.path == "":
            # A form without our token is refused before anything else.
            assert answer.status == (403 if row.body is Body.FORM else 302 if row.path == "" else 200), row
        elif row.is_page:
            assert answer.status == 403 if row.body is Body.FORM else leads_to_login(answer), row
        else:
            assert (answer.status, answer.code) == (401, "unauthenticated"), row
            assert is_problem(answer)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert tenant.stored() == before


def test_a_stranger_learns_less_of_the_health(tenant: Tenant) -> None:
    seen = tenant.lane.ask(stranger("GET", "/health")).body
    known = tenant.ask("GET", "/health").body
    assert set(seen) < set(known)


@each_lane
@pytest.mark.parametrize("scope", sorted(KEY_SCOPES))
def test_a_key_of_one_scope_opens_what_takes_that_scope(tenant: Tenant, scope: Scope) -> None:
    bearer = f"Bearer {tenant.key(scope.value)}"
    requests = [stranger(method_of(row), address(row), sent_to(row), authorization=bearer) for row in ASKED]
    for row, answer in ask_everywhere(tenant, requests):
        if row.is_page or row.path == "":
            assert answer.status == (403 if row.body is Body.FORM else 200 if row.is_open and row.path else 302), row
        elif row.is_open or scope in (row.needs, row.or_needs):
            is_off = row.needs is Scope.LEASES and tenant.lane.name == "control-plane"
            # Several ask at once: who changes what another has just changed is told so.
            assert answer.status in ((501,) if is_off else (200, 201, 202, 204, 404, 409)), (row, answer)
        else:
            assert (answer.status, answer.code) == (403, "forbidden"), (row, answer)
            assert str(row.needs) in answer.body["detail"]
            assert is_problem(answer)


@pytest.mark.parametrize("role", [*Role, None])
def test_a_person_gets_where_the_role_leads(tenant: Tenant, sign_in: SignIn, role: Role | None) -> None:
    held = ROLE_SCOPES[role] if role else frozenset()
    browser = sign_in(tenant, role)
    # Whoever signs out is somebody else afterwards.
    for row in [row for row in ASKED if row.path not in ("console/logout", "console/login", "")]:
        answer = tenant.lane.ask(browser.request(method_of(row), address(row), sent_to(row)))
        if row.needs is Scope.LEASES and role is Role.ADMIN:
            assert (answer.status, answer.code) == (403, "key_required"), (row, answer)
        elif row.is_open or (row.needs is Open.PERSON and role) or row.needs in held:
            # 409: the same address under /api/v1 made it already.
            # A form that says too little is shown again.
            again = (422,) if row.body is Body.FORM else ()
            assert answer.status in (200, 201, 202, 204, 302, 303, 404, 409, *again), (row, answer)
            assert not leads_to_login(answer)
        else:
            assert answer.status == 403, (row, answer)
            assert row.is_page or answer.code == "forbidden"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "CONNECT", "HEAD", "OPTIONS"])
def test_another_method_does_nothing_for_anybody(tenant: Tenant, sign_in: SignIn, method: str) -> None:
    browser = sign_in(seeded(tenant), Role.ADMIN)
    before = tenant.stored()
    known = {(row.method, row.path) for row in ROWS}
    rows = [row for row in ASKED if (method, row.path) not in known]
    requests = [browser.request(method, address(row), b"") for row in rows]
    answers = tenant.lane.ask_all(requests, at_once=4)
    for row, answer in zip(rows, answers, strict=True):
        if method in ("HEAD", "OPTIONS") or row.method == "ANY":
            refused = (403,) if row.needs is Scope.INSTALLATION else ()
            assert answer.status in (200, 204, 302, 404, 405, *refused), (row, answer)
        else:
            assert answer.status == 405, (row, answer)
        assert method == "HEAD" or MARK not in answer.raw.decode()
    assert tenant.stored() == before
