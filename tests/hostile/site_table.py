"""Every address of the site with each method that it answers: who may, what it names, and what it reads.

`test_table.py` compares this with Django's URLconf, the data plane and the websockets, so that a new route fails until
it is written down here. The other tests of this folder are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from jobs.access.scopes import Scope


class Open(StrEnum):
    """What an address asks for instead of a scope."""

    PUBLIC = "anybody, who learns nothing of any tenant"
    JUDGES = "anybody, but tells strangers less"
    PERSON = "somebody who signed in and belongs to a namespace"


class Body(StrEnum):
    """What is read of a request."""

    NONE = "nothing"
    JSON = "a JSON document"
    OPTIONAL = "a JSON object, or nothing"
    BULK = "a JSON array or lines"
    LARGE = "a JSON document of many parts"
    FORM = "a form"


@dataclass(frozen=True, slots=True)
class Row:
    """A method of an address. `thing` is what of a tenant the address names."""

    method: str
    path: str
    needs: Scope | Open
    body: Body = Body.NONE
    thing: str = ""
    or_needs: Scope | None = None

    @property
    def is_page(self) -> bool:
        """Tell whether it is one of the console."""
        return self.path.startswith("console/")

    @property
    def is_open(self) -> bool:
        """Tell whether a stranger gets an answer."""
        return self.needs in (Open.PUBLIC, Open.JUDGES)

    def __str__(self) -> str:
        return f"{self.method} /{self.path}"


READ, WRITE, OPERATE, LEASES = Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.QUEUES_OPERATE, Scope.LEASES
_JOB, _QUEUE, _WORKER = "jobs/<str:job_id>", "queues/<str:name>", "workers/<str:worker_id>"
_NAMESPACE = "namespaces/<str:namespace>"
_OPERATION = "bulk-operations/<str:operation_id>"
_WORKFLOW = "workflows/<str:workflow_id>"
_MEMBER = f"{_NAMESPACE}/members/<str:person>"
_ENDPOINT, _LIMIT, _SCHEDULE = "endpoints/<str:kind>", "limits/kinds/<str:kind>", "schedules/<str:name>"
_ALERT = "alerts/<str:name>"
_ALERT_ACTS, _CIRCUIT_ACTS = ("change", "rotate", "remove", "test"), ("open", "close", "end")
_ORDERS = ("quiet", "resume", "terminate")
_QUEUE_LIMIT, _KEY_LIMIT = "limits/queues/<str:name>", "limits/keys/<str:kind>"

# At the root, and once more under `api/v1/`.
API = (
    Row("POST", "jobs", WRITE, Body.JSON),
    Row("GET", "jobs", READ),
    Row("POST", "jobs/bulk", WRITE, Body.BULK),
    Row("GET", _JOB, READ, thing="job"),
    Row("DELETE", _JOB, WRITE, Body.OPTIONAL, "job"),
    Row("POST", f"{_JOB}/cancel", WRITE, Body.OPTIONAL, "job"),
    Row("POST", f"{_JOB}/retry", WRITE, Body.OPTIONAL, "dead letter"),
    Row("GET", f"{_JOB}/explain", READ, thing="job"),
    Row("GET", f"{_JOB}/log", Scope.PAYLOAD_READ, thing="job"),
    Row("GET", "jobs/export", READ),
    Row("GET", "views", READ),
    Row("PUT", "views/<str:name>", READ, Body.JSON, "own view"),
    Row("DELETE", "views/<str:name>", READ, thing="view"),
    *(Row("GET", f"queues{more}", READ) for more in ("", "/stats", "/scaling")),
    *(Row("GET", path, READ) for path in ("history", "deploys", "error-groups")),
    Row("POST", "deploys", OPERATE, Body.JSON),
    Row("DELETE", "deploys/<str:deploy_id>", OPERATE, Body.OPTIONAL, "deploy"),
    Row("GET", "error-groups/<str:group_id>", READ, thing="error group"),
    Row("GET", "alerts", READ),
    Row("GET", _ALERT, READ, thing="alert"),
    Row("PUT", _ALERT, OPERATE, Body.JSON, "own alert"),
    Row("PATCH", _ALERT, OPERATE, Body.JSON, "alert"),
    Row("DELETE", _ALERT, OPERATE, Body.OPTIONAL, "alert"),
    Row("POST", f"{_ALERT}/rotate", OPERATE, Body.OPTIONAL, "alert"),
    Row("POST", f"{_ALERT}/test", OPERATE, Body.OPTIONAL, "alert"),
    Row("GET", _QUEUE, READ, thing="queue"),
    Row("PATCH", _QUEUE, OPERATE, Body.JSON, "own queue"),
    Row("POST", f"{_QUEUE}/pause", OPERATE, Body.OPTIONAL, "own queue"),
    Row("POST", f"{_QUEUE}/resume", OPERATE, Body.OPTIONAL, "queue"),
    Row("POST", f"{_QUEUE}/purge", OPERATE, Body.OPTIONAL, "queue"),
    Row("GET", "workers", READ),
    Row("POST", f"{_WORKER}/quiet", OPERATE, Body.OPTIONAL, "worker"),
    Row("POST", f"{_WORKER}/resume", OPERATE, Body.OPTIONAL, "worker"),
    Row("POST", f"{_WORKER}/terminate", OPERATE, Body.OPTIONAL, "worker"),
    Row("POST", "workers", LEASES, Body.JSON),
    Row("DELETE", _WORKER, LEASES, Body.OPTIONAL, "worker"),
    Row("POST", f"{_WORKER}/heartbeat", LEASES, Body.OPTIONAL, "worker"),
    Row("POST", "leases", LEASES, Body.JSON),
    Row("POST", "leases/extend", LEASES, Body.JSON),
    Row("POST", "leases/settle", LEASES, Body.LARGE),
    Row("POST", "leases/report", LEASES, Body.LARGE),
    Row("GET", "schedules", READ),
    Row("POST", "schedules", OPERATE, Body.JSON),
    Row("POST", "schedules/preview", READ, Body.JSON),
    Row("GET", _SCHEDULE, READ, thing="schedule"),
    Row("PUT", _SCHEDULE, OPERATE, Body.JSON, "own schedule"),
    Row("PATCH", _SCHEDULE, OPERATE, Body.OPTIONAL, "schedule"),
    Row("DELETE", _SCHEDULE, OPERATE, Body.OPTIONAL, "schedule"),
    Row("POST", f"{_SCHEDULE}/pause", OPERATE, Body.OPTIONAL, "schedule"),
    Row("POST", f"{_SCHEDULE}/resume", OPERATE, Body.OPTIONAL, "schedule"),
    Row("POST", f"{_SCHEDULE}/run", OPERATE, Body.OPTIONAL, "schedule"),
    Row("GET", f"{_SCHEDULE}/preview", READ, thing="schedule"),
    Row("GET", f"{_SCHEDULE}/history", READ, thing="schedule"),
    Row("GET", "unique-locks", READ),
    Row("POST", "unique-locks/release", OPERATE, Body.JSON),
    Row("GET", "workflows", READ),
    Row("POST", "workflows", WRITE, Body.LARGE),
    Row("GET", _WORKFLOW, READ, thing="workflow"),
    Row("POST", f"{_WORKFLOW}/cancel", WRITE, Body.OPTIONAL, "workflow"),
    Row("POST", f"{_WORKFLOW}/retry", WRITE, Body.OPTIONAL, "workflow"),
    Row("POST", f"{_WORKFLOW}/steps", WRITE, Body.JSON, "workflow"),
    Row("GET", "limits", READ),
    Row("GET", _LIMIT, READ, thing="limit"),
    Row("PUT", _LIMIT, OPERATE, Body.JSON, "own limit"),
    Row("DELETE", _LIMIT, OPERATE, Body.OPTIONAL, "limit"),
    Row("PUT", f"{_LIMIT}/circuit", OPERATE, Body.JSON, "circuit"),
    Row("GET", _QUEUE_LIMIT, READ, thing="queue limit"),
    Row("PUT", _QUEUE_LIMIT, OPERATE, Body.JSON, "own limit"),
    Row("DELETE", _QUEUE_LIMIT, OPERATE, Body.OPTIONAL, "queue limit"),
    Row("GET", _KEY_LIMIT, READ, thing="key limit"),
    Row("PUT", _KEY_LIMIT, OPERATE, Body.JSON, "own limit"),
    Row("DELETE", _KEY_LIMIT, OPERATE, Body.OPTIONAL, "key limit"),
    Row("GET", "endpoints", Scope.ADMIN),
    Row("GET", _ENDPOINT, Scope.ADMIN, thing="endpoint"),
    Row("PUT", _ENDPOINT, Scope.ADMIN, Body.JSON, "own endpoint"),
    Row("DELETE", _ENDPOINT, Scope.ADMIN, Body.OPTIONAL, "endpoint"),
    Row("POST", f"{_ENDPOINT}/test", Scope.ADMIN, Body.OPTIONAL, "endpoint"),
    Row("POST", f"{_ENDPOINT}/rotate", Scope.ADMIN, Body.OPTIONAL, "endpoint"),
    Row("GET", "webhook", Scope.ADMIN),
    Row("PUT", "webhook", Scope.ADMIN, Body.JSON),
    Row("DELETE", "webhook", Scope.ADMIN, Body.OPTIONAL),
    Row("POST", "webhook/rotate", Scope.ADMIN, Body.OPTIONAL),
    Row("GET", "deliveries", READ),
    Row("POST", "deliveries/<str:delivery_id>/resend", WRITE, Body.OPTIONAL, "delivery"),
    Row("POST", "bulk-operations", OPERATE, Body.JSON),
    Row("GET", "bulk-operations", READ),
    Row("GET", _OPERATION, READ, thing="operation"),
    Row("GET", f"{_OPERATION}/outcomes", READ, thing="operation"),
    Row("POST", f"{_OPERATION}/abort", OPERATE, Body.OPTIONAL, "operation"),
    Row("POST", f"{_OPERATION}/pause", OPERATE, Body.OPTIONAL, "operation"),
    Row("POST", f"{_OPERATION}/resume", OPERATE, Body.OPTIONAL, "operation"),
    Row("POST", f"{_JOB}/move", OPERATE, Body.JSON, "own job"),
    Row("POST", f"{_JOB}/reprioritise", OPERATE, Body.JSON, "own job"),
    Row("GET", "namespaces", Scope.ADMIN),
    Row("POST", "namespaces", Scope.INSTALLATION, Body.JSON),
    Row("GET", _NAMESPACE, Scope.ADMIN, thing="namespace"),
    Row("PATCH", _NAMESPACE, Scope.INSTALLATION, Body.JSON, "any namespace"),
    Row("DELETE", _NAMESPACE, Scope.INSTALLATION, Body.OPTIONAL, "any namespace"),
    Row("GET", f"{_NAMESPACE}/members", Scope.ADMIN, thing="namespace"),
    Row("PUT", _MEMBER, Scope.ADMIN, Body.JSON, "own member"),
    Row("DELETE", _MEMBER, Scope.ADMIN, Body.OPTIONAL, "own member"),
    Row("GET", f"{_NAMESPACE}/export", Scope.ADMIN, thing="namespace"),
    Row("GET", "api-keys", Scope.ADMIN),
    Row("POST", "api-keys", Scope.ADMIN, Body.JSON),
    Row("DELETE", "api-keys/<str:prefix>", Scope.ADMIN, Body.OPTIONAL, "key"),
    Row("GET", "audit", Scope.ADMIN),
    Row("GET", "system", Scope.INSTALLATION),
    Row("GET", "health", Open.JUDGES),
    Row("GET", "health/live", Open.PUBLIC),
    Row("GET", "health/ready", Open.JUDGES),
    # Programs of this machine may look without a key; strangers may not.
    Row("GET", "metrics", READ, or_needs=Scope.ADMIN),
    Row("GET", "openapi.json", Open.PUBLIC),
    Row("GET", "docs", Open.PUBLIC),
)
_PAGE_OPERATION = "console/operations/<str:operation_id>"
_PAGE_JOB, _PAGE_QUEUE, _PAGE_SCHEDULE = f"console/{_JOB}", f"console/{_QUEUE}", f"console/{_SCHEDULE}"
CONSOLE = (
    Row("GET", "console/", READ),
    Row("GET", "console/login", Open.PUBLIC),
    Row("POST", "console/login", Open.PUBLIC, Body.FORM),
    Row("POST", "console/logout", Open.PUBLIC, Body.FORM),
    Row("POST", "console/namespace", Open.PERSON, Body.FORM),
    Row("GET", "console/find", READ),
    Row("GET", "console/palette", READ),
    Row("GET", "console/jobs", READ),
    Row("GET", "console/jobs/export", READ),
    *(Row("POST", f"console/jobs/{what}", READ, Body.FORM) for what in ("columns", "views", "views/remove")),
    Row("GET", _PAGE_JOB, READ, thing="job"),
    Row("POST", f"{_PAGE_JOB}/cancel", WRITE, Body.FORM, "job"),
    Row("GET", f"{_PAGE_JOB}/edit", WRITE, thing="dead letter"),
    Row("POST", f"{_PAGE_JOB}/retry", WRITE, Body.FORM, "dead letter"),
    Row("POST", f"{_PAGE_JOB}/discard", OPERATE, Body.FORM, "dead letter"),
    Row("POST", f"{_PAGE_JOB}/run-now", WRITE, Body.FORM, "job"),
    Row("POST", f"{_PAGE_JOB}/duplicate", WRITE, Body.FORM, "job"),
    Row("POST", f"{_PAGE_JOB}/reveal", Scope.PAYLOAD_REVEAL, Body.FORM, "job"),
    Row("GET", "console/dead-letters", READ),
    Row("POST", "console/dead-letters/selected", OPERATE, Body.FORM),
    Row("POST", "console/dead-letters/group", OPERATE, Body.FORM),
    Row("GET", _PAGE_QUEUE, READ, thing="queue"),
    Row("POST", f"{_PAGE_QUEUE}/pause", OPERATE, Body.FORM, "own queue"),
    *(Row("POST", f"{_PAGE_QUEUE}/{act}", OPERATE, Body.FORM, "queue") for act in ("resume", "purge")),
    Row("GET", "console/limits", READ),
    *(Row("POST", f"console/limits/<str:kind>/{act}", OPERATE, Body.FORM, "circuit") for act in _CIRCUIT_ACTS),
    Row("POST", "console/limits/queues/<str:name>/end", OPERATE, Body.FORM, "queue limit"),
    *(Row("GET", f"console/{page}", READ) for page in ("unique-keys", "history", "errors", "queues", "operations")),
    Row("POST", "console/history/deploys", OPERATE, Body.FORM),
    Row("POST", "console/history/deploys/<str:deploy_id>/remove", OPERATE, Body.FORM, "deploy"),
    Row("GET", "console/errors/<str:group_id>", READ, thing="error group"),
    Row("GET", "console/workflows", READ),
    Row("GET", f"console/{_WORKFLOW}", READ, thing="workflow"),
    Row("POST", f"console/{_WORKFLOW}/cancel", WRITE, Body.FORM, "workflow"),
    Row("POST", f"console/{_WORKFLOW}/retry", WRITE, Body.FORM, "workflow"),
    Row("GET", "console/alerts", READ),
    *(Row("POST", f"console/{what}/set", OPERATE, Body.FORM) for what in ("alerts", "limits")),
    *(Row("POST", f"console/{_ALERT}/{act}", OPERATE, Body.FORM, "alert") for act in _ALERT_ACTS),
    Row("POST", "console/unique-keys/<str:job_id>/release", OPERATE, Body.FORM, "job"),
    Row("GET", "console/workers", READ),
    *(Row("POST", f"console/{_WORKER}/{act}", OPERATE, Body.FORM, "worker") for act in _ORDERS),
    Row("POST", "console/operations/preview", OPERATE, Body.FORM),
    Row("GET", _PAGE_OPERATION, READ, thing="operation"),
    Row("POST", f"{_PAGE_OPERATION}/begin", OPERATE, Body.FORM, "operation"),
    Row("POST", f"{_PAGE_OPERATION}/pause", OPERATE, Body.FORM, "operation"),
    Row("POST", f"{_PAGE_OPERATION}/abort", OPERATE, Body.FORM, "operation"),
    Row("GET", "console/schedules", READ),
    Row("GET", "console/schedules/new", OPERATE),
    Row("POST", "console/schedules/new", OPERATE, Body.FORM),
    Row("GET", _PAGE_SCHEDULE, READ, thing="schedule"),
    Row("GET", f"{_PAGE_SCHEDULE}/edit", OPERATE, thing="schedule"),
    Row("POST", f"{_PAGE_SCHEDULE}/edit", OPERATE, Body.FORM, "schedule"),
    Row("POST", f"{_PAGE_SCHEDULE}/pause", OPERATE, Body.FORM, "schedule"),
    Row("POST", f"{_PAGE_SCHEDULE}/resume", OPERATE, Body.FORM, "schedule"),
    Row("POST", f"{_PAGE_SCHEDULE}/run", OPERATE, Body.FORM, "schedule"),
    Row("POST", f"{_PAGE_SCHEDULE}/delete", OPERATE, Body.FORM, "schedule"),
    Row("GET", "console/webhooks", READ),
    Row("POST", "console/webhooks/set", Scope.ADMIN, Body.FORM),
    Row("POST", "console/webhooks/rotate", Scope.ADMIN, Body.FORM),
    Row("POST", "console/webhooks/remove", Scope.ADMIN, Body.FORM),
    Row("POST", "console/webhooks/endpoints", Scope.ADMIN, Body.FORM),
    Row("POST", f"console/webhooks/{_ENDPOINT}/test", Scope.ADMIN, Body.FORM, "endpoint"),
    Row("POST", f"console/webhooks/{_ENDPOINT}/rotate", Scope.ADMIN, Body.FORM, "endpoint"),
    Row("POST", f"console/webhooks/{_ENDPOINT}/unbind", Scope.ADMIN, Body.FORM, "endpoint"),
    Row("POST", "console/webhooks/deliveries/<str:delivery_id>/resend", WRITE, Body.FORM, "delivery"),
    Row("GET", "console/namespaces", Scope.ADMIN),
    Row("POST", "console/namespaces/create", Scope.INSTALLATION, Body.FORM),
    Row("GET", f"console/{_NAMESPACE}", Scope.ADMIN, thing="any namespace"),
    Row("POST", f"console/{_NAMESPACE}/rules", Scope.INSTALLATION, Body.FORM, "any namespace"),
    Row("POST", f"console/{_NAMESPACE}/delete", Scope.INSTALLATION, Body.FORM, "any namespace"),
    Row("POST", f"console/{_NAMESPACE}/keys", Scope.ADMIN, Body.FORM, "own namespace"),
    Row("POST", f"console/{_NAMESPACE}/keys/<str:prefix>/revoke", Scope.ADMIN, Body.FORM, "own namespace"),
    Row("POST", f"console/{_NAMESPACE}/members", Scope.ADMIN, Body.FORM, "own namespace"),
    Row("POST", f"console/{_NAMESPACE}/members/remove", Scope.ADMIN, Body.FORM, "own namespace"),
    *(Row("GET", f"console/{page}", Scope.ADMIN) for page in ("audit", "audit/export")),
    Row("GET", "console/system", Scope.INSTALLATION),
    Row("ANY", "console/<path:rest>", Open.PERSON),
)
# Leads to the console, and serves nothing itself.
ROOT = Row("ANY", "", Open.PUBLIC)
VERSIONED = tuple(replace(row, path=f"api/v1/{row.path}") for row in API)
ROWS = (*API, *VERSIONED, *CONSOLE, ROOT)
# What is served beside the URLconf: a websocket, files, and the data plane's own way to three of the rows.
SOCKETS = frozenset({"/console/ws"})
FILES = "/static/"
DATA_PLANE = {"submit": API[0], "bulk": API[2], "look": API[3]}
# And the worker protocol, which nobody else serves.
PROTOCOL = dict(
    zip(
        ("register", "leave", "beat", "claim", "extend", "settle", "report"),
        (row for row in API if row.needs is LEASES),
        strict=True,
    )
)

NOBODYS_ID = "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00"


def address(row: Row, thing: str = "") -> str:
    """Return an address of the row that names `thing`, or what nobody has."""
    path = row.path.replace("<str:name>", thing or "nobodys").replace("<path:rest>", "nothing/here")
    path = path.replace("<str:namespace>/members/<str:person>", thing or "nobodys/members/nobody")
    for name in ("job_id", "operation_id", "delivery_id", "worker_id", "kind", "namespace", "prefix"):
        path = path.replace(f"<str:{name}>", thing or NOBODYS_ID)
    return f"/{path}"


def method_of(row: Row) -> str:
    """Return a method that the row answers."""
    return "GET" if row.method == "ANY" else row.method
