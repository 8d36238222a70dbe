"""Bodies of the worker protocol that are not valid: 422 with the pointer of each field, and nothing done."""

from __future__ import annotations

import pytest

from tests.api.lane import answer_of
from tests.api.refusals import refused
from tests.api.remote_worker import RemoteWorker, held
from tests.api.tenant import NOBODYS_ID, Tenant

TOKEN = "0" * 32 + "-" + "0" * 12
KEY = {"job_id": NOBODYS_ID, "lease_token": TOKEN}
CLAIM = {"worker_id": "w", "queues": ["main"]}
Case = tuple[str, dict[str, object], str, str]


def settlement(**more: object) -> dict[str, object]:
    return {"settlements": [{**KEY, "outcome": "completed"}, {**KEY, "outcome": "completed", **more}]}


def report(**more: object) -> dict[str, object]:
    return {"reports": [{**KEY, **more}]}


CASES: dict[str, Case] = {
    "no queues": ("/workers", {}, "/queues", "required"),
    "an empty list of queues": ("/workers", {"queues": []}, "/queues", "out_of_range"),
    "65 queues": ("/workers", {"queues": [f"q{n}" for n in range(65)]}, "/queues", "out_of_range"),
    "queues as a text": ("/workers", {"queues": "main"}, "/queues", "invalid_type"),
    "a queue that is none": ("/workers", {"queues": ["main", "No"]}, "/queues/1", "invalid_name"),
    "a queue that is a number": ("/workers", {"queues": [1]}, "/queues/0", "invalid_type"),
    "a kind that is none": ("/workers", {"queues": ["q"], "kinds": ["a b"]}, "/kinds/0", "invalid_name"),
    "long kinds": ("/workers", {"queues": ["q"], "kinds": [f"{n:0128}" for n in range(65)]}, "/kinds", "too_large"),
    "a name with a slash": ("/workers", {"queues": ["q"], "name": "a/b"}, "/name", "invalid_name"),
    "a name that is too long": ("/workers", {"queues": ["q"], "name": "a" * 65}, "/name", "invalid_name"),
    "a host on two lines": ("/workers", {"queues": ["q"], "host": "a\nb"}, "/host", "invalid_text"),
    "a long language": ("/workers", {"queues": ["q"], "language": "x" * 33}, "/language", "too_large"),
    "no concurrency": ("/workers", {"queues": ["q"], "concurrency": 0}, "/concurrency", "out_of_range"),
    "a pid that is a text": ("/workers", {"queues": ["q"], "pid": "7"}, "/pid", "invalid_type"),
    "a namespace": ("/workers", {"queues": ["q"], "namespace": "x"}, "/namespace", "unknown_field"),
    "another status": ("/workers/w/heartbeat", {"status": "asleep"}, "/status", "invalid_choice"),
    "a short lease": ("/workers/w/heartbeat", {"lease_ms": 999}, "/lease_ms", "out_of_range"),
    "no worker": ("/leases", {"queues": ["main"]}, "/worker_id", "required"),
    "a worker that is none": ("/leases", {**CLAIM, "worker_id": "a b"}, "/worker_id", "invalid_name"),
    "no jobs": ("/leases", {**CLAIM, "max_jobs": 0}, "/max_jobs", "out_of_range"),
    "201 jobs": ("/leases", {**CLAIM, "max_jobs": 201}, "/max_jobs", "out_of_range"),
    "a long wait": ("/leases", {**CLAIM, "wait_ms": 20_001}, "/wait_ms", "out_of_range"),
    "a wait that is a float": ("/leases", {**CLAIM, "wait_ms": 1.5}, "/wait_ms", "invalid_type"),
    "a long lease": ("/leases", {**CLAIM, "lease_ms": 300_001}, "/lease_ms", "out_of_range"),
    "a name of a claim with a blank": ("/leases", {**CLAIM, "claim_id": "a b"}, "/claim_id", "invalid_name"),
    "no leases": ("/leases/extend", {"leases": []}, "/leases", "out_of_range"),
    "201 leases": ("/leases/extend", {"leases": [KEY] * 201}, "/leases", "out_of_range"),
    "a lease that is a text": ("/leases/extend", {"leases": ["x"]}, "/leases/0", "invalid_type"),
    "a job that is none": (
        "/leases/extend", {"leases": [{**KEY, "job_id": "x"}]}, "/leases/0/job_id", "invalid_id",
    ),
    "a token that is none": (
        "/leases/extend", {"leases": [{**KEY, "lease_token": TOKEN + " 5"}]}, "/leases/0/lease_token", "invalid_token",
    ),
    "no outcome": ("/leases/settle", settlement(outcome=None), "/settlements/1/outcome", "required"),
    "another outcome": ("/leases/settle", settlement(outcome="done"), "/settlements/1/outcome", "invalid_choice"),
    "no time to sleep": ("/leases/settle", settlement(outcome="snoozed"), "/settlements/1/delay_ms", "required"),
    "an error of a success": (
        "/leases/settle", settlement(error={"type": "E"}), "/settlements/1/error", "not_allowed",
    ),
    "a result of a failure": (
        "/leases/settle", settlement(outcome="failed", result=1), "/settlements/1/result", "not_allowed",
    ),
    "a delay of a success": ("/leases/settle", settlement(delay_ms=1), "/settlements/1/delay_ms", "not_allowed"),
    "an error without type": (
        "/leases/settle", settlement(outcome="failed", error={}), "/settlements/1/error/type", "required",
    ),
    "an error that is a text": (
        "/leases/settle", settlement(outcome="failed", error="no"), "/settlements/1/error", "invalid_type",
    ),
    "more of an error": (
        "/leases/settle", settlement(outcome="failed", error={"type": "E", "line": 1}), "/settlements/1/error/line",
        "unknown_field",
    ),
    "a duration below zero": (
        "/leases/settle", settlement(duration_ms=-1), "/settlements/1/duration_ms", "out_of_range",
    ),
    "a fraction beyond 1": (
        "/leases/report", report(progress={"fraction": 1.1}), "/reports/0/progress/fraction", "out_of_range",
    ),
    "progress without fraction": (
        "/leases/report", report(progress={"text": "x"}), "/reports/0/progress/fraction", "required",
    ),
    "201 lines": ("/leases/report", report(log=["x"] * 201), "/reports/0/log", "out_of_range"),
    "a line that is a number": ("/leases/report", report(log=["x", 1]), "/reports/0/log/1", "invalid_type"),
    "another level": (
        "/leases/report", report(log=[{"level": "loud", "text": "x"}]), "/reports/0/log/0/level", "invalid_choice",
    ),
    "a large checkpoint": ("/leases/report", report(checkpoint="x" * 262_144), "/reports/0/checkpoint", "too_large"),
    "report number 0": ("/leases/report", report(number=0), "/reports/0/number", "out_of_range"),
}  # fmt: skip


def test_what_is_wrong_is_named(tenant: Tenant) -> None:
    for name, (target, body, pointer, code) in CASES.items():
        answer = refused(tenant, "POST", target, body)
        assert (answer.status, answer.problems) == (422, [(pointer, code)]), name


def test_one_wrong_settlement_refuses_the_batch_and_settles_nothing(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    answer = worker.ask_settle([{**held(lease), "outcome": "completed"}, {**held(lease), "outcome": "no"}])
    assert (answer.status, answer.problems) == (422, [("/settlements/1/outcome", "invalid_choice")])
    assert tenant.job(lease["job_id"])["status"] == "running"
    assert worker.settle(lease)["status"] == "completed"


def test_all_that_is_wrong_is_named_at_once(tenant: Tenant) -> None:
    answer = refused(tenant, "POST", "/leases", {"worker_id": "", "queues": [7], "max_jobs": 0, "extra": 1})
    assert {pointer for pointer, _ in answer.problems} == {"/worker_id", "/queues/0", "/max_jobs", "/extra"}


@pytest.mark.parametrize("end", ["", "/heartbeat"])
def test_an_empty_body_says_nothing_and_needs_no_type(tenant: Tenant, end: str) -> None:
    worker = RemoteWorker(tenant)
    answer = tenant.ask("POST" if end else "DELETE", f"/workers/{worker.id}{end}")
    assert answer.status == (200 if end else 204)


def test_headers_of_proxies_may_come_twice_and_what_decides_may_not(tenant: Tenant) -> None:
    request = tenant.request("POST", "/workers", {"queues": ["main"]})
    scope = request.scope()

    async def asked(pairs: list[tuple[bytes, bytes]]) -> None:
        answer = await answer_of(
            tenant.lane._application, {**scope, "headers": [*scope["headers"], *pairs]}, [request.content()]
        )
        statuses.append(answer.status)

    statuses: list[int] = []
    tenant.lane.carry_out(asked([(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-for", b"192.0.2.2")]))
    tenant.lane.carry_out(asked([(b"authorization", b"Bearer x")]))
    tenant.lane.carry_out(asked([(b"content-type", b"text/plain")]))
    assert statuses == [201, 401, 415]
