"""The store or the database is away: 503 in time and never a hang, and work again without help."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from jobs.api.routes import ROUTES
from tests.api.conftest import Clock
from tests.api.lane import LONGEST_S, Answer, Request, each_lane
from tests.api.refusals import is_problem
from tests.api.remote_worker import PROTOCOL, is_served
from tests.api.tenant import NOBODYS_ID, Tenant
from tests.patience import as_a_server
from tests.waiting import until

pytestmark = each_lane

# What is promised in this many seconds. On a busy machine the best of some tries counts: the bound is one of design,
# not of the machine.
IN_TIME_S = 2.0
TRIES = 12
# Of the loop of a store that wakes up, until nothing is left of what came before.
ROUNDS = 3

BODIES: dict[str, object] = {
    "endpoint": {"url": "https://8.8.8.8/"},
    "view": {"query": "x"},
    "webhook": {"url": "https://8.8.8.8/"},
    "limit": {"rate": {"starts": 1}},
    "unique-release": {"key": "k"},
    "workflows": {"name": "w", "steps": [{"name": "a", "kind": "k"}]},
    "workflow-steps": {"job_id": NOBODYS_ID, "lease_token": "t", "steps": [{"name": "a", "kind": "k"}]},
    "schedules": {"name": "s", "kind": "k", "every_ms": 60_000},
    "schedule": {"kind": "k", "every_ms": 60_000},
    "schedule-trial": {"every_ms": 60_000},
    "circuit": {"state": "open"},
    "queue-limit": {"rate": {"starts": 1}},
    "key-limit": {"rate": {"starts": 1}},
    "jobs": {"kind": "k"},
    "jobs-bulk": [{"kind": "k"}] * 1_000,
    "queue": {"paused": True},
    "queue-purge": {"confirm": "main"},
    "bulk-operations": {"action": "cancel", "ids": [NOBODYS_ID]},
    "namespaces": {"name": "outage"},
    "member": {"role": "viewer"},
    "job-move": {"queue": "q"},
    "job-reprioritise": {"priority": "low"},
    "api-keys": {"name": "ci", "scopes": ["jobs:read"]},
}
# What the database or the process itself answers. A bulk operation is on record then, and carried out later.
WITHOUT_STORE = {
    ("health-live", "GET"): 200,
    ("openapi", "GET"): 200,
    ("docs", "GET"): 200,
    ("bulk-operations", "POST"): 202,
    ("bulk-operations", "GET"): 200,
    **dict.fromkeys([("bulk-operation", "GET"), ("bulk-outcomes", "GET")], 404),
    **dict.fromkeys([(f"bulk-{act}", "POST") for act in ("abort", "pause", "resume")], 404),
    ("namespaces", "GET"): 200,
    ("namespaces", "POST"): 403,
    ("namespace", "PATCH"): 403,
    ("namespace", "DELETE"): 403,
    ("members", "GET"): 200,
    ("member", "PUT"): 404,
    ("member", "DELETE"): 404,
    ("api-keys", "GET"): 200,
    ("api-keys", "POST"): 201,
    ("api-key", "DELETE"): 404,
    ("audit", "GET"): 200,
    **dict.fromkeys([("history", "GET"), ("alerts", "GET"), ("views", "GET"), ("deploys", "GET")], 200),
    ("view", "PUT"): 422,
    ("view", "DELETE"): 404,
    ("system", "GET"): 403,
    ("alert", "PUT"): 422,
    ("deploys", "POST"): 422,
    **dict.fromkeys(
        [("error-group", "GET"), ("deploy", "DELETE"), ("alert-rotate", "POST"), ("alert-test", "POST")]
        + [("alert", method) for method in ("GET", "PATCH", "DELETE")],
        404,
    ),
    ("schedules", "GET"): 200,
    ("schedule-trial", "POST"): 200,
    **dict.fromkeys([("schedule", method) for method in ("GET", "PATCH", "DELETE")], 404),
    **dict.fromkeys([(f"schedule-{act}", "POST") for act in ("pause", "resume", "run")], 404),
    **dict.fromkeys([(f"schedule-{what}", "GET") for what in ("preview", "history")], 404),
}


@contextmanager
def store_stopped(tenant: Tenant) -> Iterator[None]:
    """Hold the store's process still, as a machine that swaps does; its sockets stay open and nobody answers.

    What is asked meanwhile is waited for as a server does; what was asked before, as the test does: see `as_a_server`.
    """
    pid = int(tenant.bench.client.info("server")["process_id"])
    with as_a_server():
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)
            # It now does what it was sent meanwhile, though nobody waits for it any more: in the round of its loop in
            # which it wakes up, and in the next. Whoever compares its keys must come behind that.
            for _ in range(ROUNDS):
                tenant.bench.client.ping()


@contextmanager
def database_away() -> Iterator[None]:
    """Let every new connection to the database fail."""
    settings = connections.databases["default"]
    name = settings["NAME"]
    settings["NAME"] = "/nowhere/at-all.sqlite3"
    try:
        yield
    finally:
        settings["NAME"] = name


def every_route(tenant: Tenant) -> list[tuple[tuple[str, str], Request]]:
    """Return a request to each method of each route."""
    found = []
    for route in ROUTES:
        filled = re.sub("<str:(job|operation|delivery|workflow|group|deploy)_id>", NOBODYS_ID, route.path)
        for name, thing in (("name", "main"), ("namespace", tenant.name), ("person", "nobody"), ("prefix", "nobodys")):
            filled = filled.replace(f"<str:{name}>", thing)
        target = "/" + filled.replace("<str:worker_id>", "nobody").replace("<str:kind>", "k")
        for method in route.actions or ("GET",):
            default = BODIES.get(route.name, {}) if method in {"POST", "PUT", "PATCH"} else b""
            body = PROTOCOL.get((route.name, method), default)
            found.append(((route.name, method), tenant.request(method, target, body)))
    return found


def test_every_route_answers_in_time_while_the_store_hangs_and_works_afterwards(tenant: Tenant) -> None:
    job_id = tenant.submit()
    rows = [*every_route(tenant), (("job", "GET"), tenant.request("GET", f"/jobs/{job_id}?wait=30"))]
    tenant.lane.ask_all([request for _, request in rows if "wait" not in request.target], at_once=4)
    # Whichever of them came last, it is gone.
    tenant.ask("DELETE", "/schedules/main")
    with store_stopped(tenant):
        answers = tenant.lane.ask_all([request for _, request in rows], at_once=5)
        for (row, request), answer in zip(rows, answers, strict=True):
            judge(tenant, row, answer)
            assert in_time(tenant, request, answer), (row, answer.took_s)
    recovered = in_the_end(tenant, tenant.request("POST", "/jobs", {"kind": "k"}))
    assert (recovered.status, tenant.job(recovered.body["id"])["status"]) == (202, "queued")
    assert in_the_end(tenant, Request("GET", "/health")).body["status"] == "ok"
    for (row, _), answer in zip(rows, tenant.lane.ask_all([request for _, request in rows[:-1]], 5), strict=False):
        assert answer.status < 500 or not is_served(row, tenant.lane), row


def in_the_end(tenant: Tenant, request: Request) -> Answer:
    """Ask again and again until the store is back."""
    answers: list[Answer] = []

    def is_back() -> bool:
        answers.append(tenant.lane.ask(request))
        return answers[-1].status != 503

    until(is_back)
    return answers[-1]


def judge(tenant: Tenant, row: tuple[str, str], answer: Answer) -> None:
    """Fail unless the answer is what this route says without a store."""
    if not is_served(row, tenant.lane):
        assert (answer.status, answer.code) == (501, "gateway_off")
        return
    if row in WITHOUT_STORE:
        assert answer.status == WITHOUT_STORE[row], row
        return
    assert (answer.status, answer.code, answer.body["retryable"]) == (503, "store_unavailable", True), row
    assert int(answer.headers["retry-after"]) >= 1
    if row[0].startswith("health"):
        assert answer.body["health"]["status"] == "unavailable"
    else:
        assert is_problem(answer)


def in_time(tenant: Tenant, request: Request, answer: Answer) -> bool:
    """Tell whether the route can answer within the promised time."""
    return answer.took_s < IN_TIME_S or any(tenant.lane.ask(request).took_s < IN_TIME_S for _ in range(TRIES))


def test_what_was_refused_during_an_outage_can_be_sent_again_with_its_key(tenant: Tenant) -> None:
    request = tenant.request("POST", "/jobs", {"kind": "k"}, idempotency_key="again")
    assert tenant.lane.ask(tenant.request("GET", "/queues")).status == 200
    with store_stopped(tenant):
        assert tenant.lane.ask(request).status == 503
    answer = in_the_end(tenant, request)
    # The store may have carried the first request out after its client was told to come again.
    assert answer.status in (200, 202)
    assert tenant.bench.queue_ids() == [answer.body["id"]]


def test_a_wait_under_way_ends_when_the_store_hangs(tenant: Tenant) -> None:
    job_id = tenant.submit()
    with as_a_server():
        waiting = tenant.lane.begin(tenant.request("GET", f"/jobs/{job_id}?wait=30"))
        with store_stopped(tenant):
            assert waiting.result(LONGEST_S).status == 503


def test_a_known_key_goes_on_submitting_while_the_database_is_away(tenant: Tenant, key_clock: Clock) -> None:
    tenant.submit()
    with database_away():
        for _ in range(3):
            key_clock.now += 5.0
            job_id = tenant.submit()
            assert tenant.job(job_id)["status"] == "queued"
            assert tenant.ask("GET", "/queues/stats").status == 200
    assert len(tenant.bench.queue_ids()) == 4


def test_an_unknown_key_cannot_be_judged_while_the_database_is_away(tenant: Tenant, key_clock: Clock) -> None:
    stranger = tenant.mint().text
    with database_away():
        answer = tenant.ask_as(stranger, "POST", "/jobs", {"kind": "k"})
        assert (answer.status, answer.code) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert tenant.ask_as(stranger, "POST", "/jobs", {"kind": "k"}).status == 202


def test_what_needs_the_database_says_so_and_does_nothing(tenant: Tenant, key_clock: Clock) -> None:
    letter = tenant.bench.dead_letter()
    queued = tenant.submit()
    before = tenant.stored()
    acts = [
        ("DELETE", f"/jobs/{queued}", b""),
        ("POST", f"/jobs/{letter}/retry", {}),
        ("POST", "/queues/main/pause", {}),
        ("POST", "/queues/main/resume", {}),
        ("POST", "/queues/main/purge", {"confirm": "main"}),
        ("POST", "/bulk-operations", {"action": "retry", "ids": [letter]}),
        ("GET", f"/bulk-operations/{NOBODYS_ID}", b""),
    ]
    with database_away():
        for method, target, body in acts:
            answer = tenant.ask(method, target, body)
            assert (answer.status, answer.code) == (503, "database_unavailable"), target
            assert int(answer.headers["retry-after"]) >= 1
        health = tenant.lane.ask(Request("GET", "/health"))
        assert (health.status, health.body["status"], health.body["database"]["ok"]) == (200, "degraded", False)
        assert tenant.lane.ask(Request("GET", "/health/ready")).status == 200
        assert tenant.lane.ask(Request("GET", "/metrics")).status == 200
    assert tenant.stored() == before
    assert tenant.ask("DELETE", f"/jobs/{queued}").status == 200


def test_a_session_is_not_judged_while_the_database_is_away(tenant: Tenant) -> None:
    with database_away():
        answer = tenant.ask_anonymously("GET", "/jobs", cookie=f"ironforge_session={'a' * 32}")
    assert (answer.status, answer.code) == (503, "database_unavailable")
    assert is_problem(answer)
