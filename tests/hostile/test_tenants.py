"""Nobody learns of another tenant's things: by what names them, by cursors, by the answer or the work it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from jobs.access.models import AuditEntry
from jobs.access.scopes import ROLE_SCOPES, Role, Scope
from jobs.domain.status import Status
from tests.api.alert_things import alert_of
from tests.api.error_things import deploy_of, error_group_of
from tests.api.lane import Answer, Request, each_lane
from tests.api.tenant import NOBODYS_ID, Tenant
from tests.api.test_isolation import delivery_of, endpoint_of, worker_of
from tests.api.things import (
    circuit_of,
    key_limit_of,
    key_of,
    limit_of,
    namespace_of,
    queue_limit_of,
    schedule_of,
    view_of,
)
from tests.api.workflow_things import ADDED, workflow_of
from tests.hostile.conftest import SignIn
from tests.hostile.site_table import ROWS, Body, Row, address, method_of

THEIRS = "of-theirs"


def _queue(tenant: Tenant) -> str:
    tenant.bench.submit(queue=THEIRS)
    return THEIRS


def _operation(tenant: Tenant) -> str:
    return str(tenant.ask("POST", "/bulk-operations", {"action": "cancel", "ids": [NOBODYS_ID]}).body["id"])


MAKE: dict[str, Callable[[Tenant], str]] = {
    "job": lambda tenant: tenant.job_in(Status.QUEUED),
    "dead letter": lambda tenant: tenant.job_in(Status.DEAD_LETTER),
    "delivery": delivery_of,
    "queue": _queue,
    "operation": _operation,
    "worker": worker_of,
    "endpoint": endpoint_of,
    "limit": limit_of,
    "namespace": namespace_of,
    "key": key_of,
    "schedule": schedule_of,
    "circuit": circuit_of,
    "queue limit": queue_limit_of,
    "key limit": key_limit_of,
    "workflow": workflow_of,
    "alert": alert_of,
    "error group": error_group_of,
    "view": view_of,
    "deploy": deploy_of,
}
NAMED = [row for row in ROWS if row.thing in MAKE]
SENT = {Body.JSON: ADDED, Body.OPTIONAL: {}, Body.FORM: f"confirm={THEIRS}&reason=x".encode(), Body.NONE: b""}
_SENT_TO = {"purge": {"confirm": THEIRS}, "circuit": {"state": "open"}}
_OWN = re.compile(rb'"request_id":"[^"]+"|csrfmiddlewaretoken" value="[^"]+"|data-at="[^"]+"')


def essence(answer: Answer, thing: str) -> tuple[int, dict[str, str], bytes]:
    """Return an answer without what names this one request."""
    told = {name: value.replace(thing, "…") for name, value in answer.headers.items() if name != "x-request-id"}
    told.pop("set-cookie", None)
    told.pop("content-length", None)
    return answer.status, told, _OWN.sub(b"", answer.raw.replace(thing.encode(), b"..."))


def work_of(tenant: Tenant, request: Request) -> tuple[Answer, int]:
    """Return an answer and how many commands the store carried out for it.

    The server looks after itself now and then, which may fall into a request: the least of three is that of the answer.
    """
    count = lambda: int(tenant.bench.client.info("stats")["total_commands_processed"])  # noqa: E731
    works = []
    for _ in range(3):
        before = count()
        answer = tenant.lane.ask(request)
        works.append(count() - before)
    return answer, min(works)


@each_lane
@pytest.mark.parametrize("row", [row for row in NAMED if not row.is_page], ids=str)
def test_a_foreign_thing_is_answered_like_none_with_as_much_work(tenant: Tenant, other: Tenant, row: Row) -> None:
    if row.needs is Scope.LEASES and tenant.lane.name == "control-plane":
        assert tenant.lane.ask(tenant.request(method_of(row), address(row), {})).status == 501
        return
    theirs = MAKE[row.thing](other)
    missing = "nobodyss" if row.thing == "queue" else NOBODYS_ID
    body = _SENT_TO.get(row.path.rpartition("/")[2], SENT[row.body])
    asked = [tenant.request(method_of(row), address(row, thing), body) for thing in (missing, theirs)]
    if row.path.endswith("purge"):
        asked[0] = replace(asked[0], body={"confirm": missing})
    tenant.lane.ask(asked[0])  # whatever is done once
    before = other.stored()
    nothing, foreign = (work_of(tenant, request) for request in asked)
    assert foreign[0].status == 404
    assert essence(foreign[0], theirs) == essence(nothing[0], missing)
    assert foreign[1] == nothing[1], "the same number of steps"
    assert other.stored() == before


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("row", [row for row in NAMED if row.is_page], ids=str)
def test_a_page_of_a_foreign_thing_is_that_of_none(
    tenant: Tenant, other: Tenant, sign_in: SignIn, row: Row, role: Role
) -> None:
    theirs = MAKE[row.thing](other)
    missing = "nobodyss" if row.thing == "queue" else NOBODYS_ID
    browser = sign_in(tenant, role)
    before, seen = other.stored(), []
    for thing in (missing, theirs):
        body = SENT[row.body].replace(THEIRS.encode(), thing.encode()) if row.body is Body.FORM else b""
        answer = tenant.lane.ask(browser.request(method_of(row), address(row, thing), body))
        notes = tenant.lane.ask(browser.request("GET", "/console/workers"))
        seen.append((essence(answer, thing), essence(notes, thing)))
    assert seen[0] == seen[1]
    may = row.needs in ROLE_SCOPES[role]
    assert seen[1][0][0] in ((303, 404) if may else (403,))
    assert other.stored() == before
    assert tenant.stored() == {}
    assert not AuditEntry.objects.filter(namespace=other.name, actor_kind="session").exists()


def cursor_of(tenant: Tenant, query: str = "") -> str:
    """Return the cursor of the tenant's second page."""
    for _ in range(3):
        tenant.bench.submit(queue=THEIRS, kind="theirs")
    return str(tenant.ask("GET", f"/jobs?limit=1{query}").body["page"]["next"])


@pytest.mark.parametrize("query", ["", "&status=queued", "&status=queued&queue=of-theirs"])
def test_a_foreign_cursor_is_a_place_in_ones_own_list(
    tenant: Tenant, other: Tenant, sign_in: SignIn, query: str
) -> None:
    cursor = cursor_of(other, query)
    mine = [tenant.bench.submit(queue=THEIRS, kind="mine") for _ in range(2)]
    for prefix in ("", "/api/v1"):
        shown = tenant.ask("GET", f"{prefix}/jobs?cursor={cursor}{query}")
        assert shown.status == 200
        assert {job["kind"] for job in shown.body["data"]} <= {"mine"}
        assert {job["id"] for job in shown.body["data"]} <= set(mine)
    page = tenant.lane.ask(sign_in(tenant, Role.ADMIN).request("GET", f"/console/jobs?cursor={cursor}{query}"))
    assert page.status == 200
    assert b"theirs</" not in page.raw.replace(THEIRS.encode(), b"")


def test_a_session_and_a_key_of_two_tenants_are_not_mixed(tenant: Tenant, other: Tenant, sign_in: SignIn) -> None:
    """The key counts; the session of somebody else adds nothing."""
    theirs = other.bench.submit()
    browser = sign_in(other, Role.ADMIN)
    for method in ("GET", "DELETE"):
        request = browser.request(method, f"/jobs/{theirs}", authorization=f"Bearer {tenant.key()}")
        assert tenant.lane.ask(request).status == 404
    weak = browser.request("DELETE", f"/jobs/{theirs}", authorization=f"Bearer {other.key('jobs:read')}")
    assert tenant.lane.ask(weak).status == 403
    wrong = browser.request("GET", f"/jobs/{theirs}", authorization="Bearer ifk_wrong")
    assert tenant.lane.ask(wrong).status == 401
