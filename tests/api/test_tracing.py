"""A trace goes from a request through the store to the handler and on, in spans that do not say what jobs work on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from pytest_django import Settings

from jobs import wiring
from jobs.api.openapi import openapi_document
from jobs.domain.status import Status
from jobs.integrations.modes import StoreMode, entered
from jobs.integrations.queue import enqueue
from jobs.services.ticking import Ticker
from tests.api.lane import each_lane
from tests.api.tenant import Tenant
from tests.receiver import receiver
from tests.telemetry.test_logs import Captured
from tests.traced import PARENT, SPAN_ID, TRACE_ID, Spans, ids_of, parent_of
from tests.traced import spans as spans  # noqa: PLC0414 (pytest finds it here)
from tests.waiting import until
from tests.workers.test_worker import ended, working
from workers import Context, handler
from workers.registry import Registry

SECRET = "hunter2-hunter2"


def _seen(context: Context) -> dict[str, object]:
    logging.getLogger("ironforge.seen").warning("seen")
    told, now = context.trace, trace.get_current_span().get_span_context()
    assert told is not None
    return {**told.headers(), "now": trace.format_span_id(now.span_id)}


@pytest.fixture
def registry() -> Registry:
    made = Registry()

    @handler("look", into=made)
    async def look(context: Context, payload: object) -> object:
        return _seen(context)

    @handler("look.thread", into=made)
    def look_in_thread(context: Context, payload: object) -> object:
        return _seen(context)

    @handler("fail", into=made)
    async def fail(context: Context, payload: object) -> object:
        if context.attempt == 1:
            raise ValueError(SECRET)
        return SECRET

    @handler("more", into=made)
    def more(context: Context, payload: object) -> str:
        return enqueue("look", namespace=context.namespace)

    return made


@pytest.fixture
def lines() -> Iterator[Captured]:
    """Return what is logged of what a handler and the worker say."""
    made, loggers = Captured(), [logging.getLogger(name) for name in ("ironforge.seen", "ironforge.worker")]
    for logger in loggers:
        logger.addHandler(made)
    yield made
    for logger in loggers:
        logger.removeHandler(made)


@each_lane
@pytest.mark.parametrize("kind", ["look", "look.thread"])
def test_a_trace_goes_from_a_request_to_the_handler(
    tenant: Tenant, registry: Registry, spans: Spans, lines: Captured, kind: str
) -> None:
    body = {"kind": kind, "payload": SECRET, "metadata": {"tag": SECRET}}
    answer = tenant.ask("POST", "/jobs", body, traceparent=PARENT, tracestate="vendor=1")
    assert answer.status == 202, answer
    with working(tenant.bench, registry):
        job = ended(tenant.bench, answer.body["id"], Status.COMPLETED)
    submit, wait, run = (spans.one(f"{name} {kind}") for name in ("submit", "wait", "run"))
    assert (parent_of(submit), parent_of(wait), parent_of(run)) == (SPAN_ID, ids_of(submit)[1], ids_of(submit)[1])
    assert {ids_of(span)[0] for span in spans.all()} == {TRACE_ID}
    assert (submit.kind, wait.kind, run.kind) == (SpanKind.PRODUCER, SpanKind.INTERNAL, SpanKind.CONSUMER)
    assert submit.start_time <= wait.end_time == run.start_time <= run.end_time
    assert dict(run.attributes or {}) == {
        "messaging.system": "ironforge",
        "messaging.operation.name": "run",
        "messaging.operation.type": "process",
        "messaging.destination.name": "main",
        "messaging.message.id": job.id,
        "ironforge.namespace": tenant.name,
        "ironforge.job.kind": kind,
        "ironforge.job.priority": "medium",
        "ironforge.job.attempt": 1,
        "ironforge.job.outcome": "completed",
    }
    assert (submit.attributes or {})["messaging.message.id"] == job.id
    assert SECRET not in spans.text()
    told = json.loads(job.result or b"")
    assert told == {
        "traceparent": f"00-{TRACE_ID}-{ids_of(run)[1]}-01",
        "tracestate": "vendor=1",
        "now": ids_of(run)[1],
    }
    shown = tenant.job(job.id)["trace"]
    assert shown == {
        "trace_id": TRACE_ID, "traceparent": f"00-{TRACE_ID}-{ids_of(submit)[1]}-01", "tracestate": "vendor=1"
    }  # fmt: skip
    logged = [json.loads(line) for line in lines.lines]
    in_run = [line["event"] for line in logged if line.get("span_id") == ids_of(run)[1]]
    assert in_run == ["log", "job.completed"]


def test_attempts_share_the_trace_and_an_error_is_a_word(tenant: Tenant, registry: Registry, spans: Spans) -> None:
    job_id = tenant.submit("fail", backoff={"base_ms": 1, "max_ms": 1})
    with working(tenant.bench, registry):
        ended(tenant.bench, job_id, Status.COMPLETED)
    first, second = spans.named("run fail")
    assert ids_of(first)[0] == ids_of(second)[0] == tenant.job(job_id)["trace"]["trace_id"]
    assert parent_of(first) == parent_of(second) == ids_of(spans.one("submit fail"))[1]
    told = [dict(span.attributes or {}) for span in (first, second)]
    assert [it["ironforge.job.attempt"] for it in told] == [1, 2]
    assert [it["ironforge.job.outcome"] for it in told] == ["failed", "completed"]
    assert [it.get("error.type") for it in told] == ["ValueError", None]
    assert [span.status.is_ok for span in (first, second)] == [False, True]
    assert len(spans.named("wait fail")) == 2
    assert SECRET not in spans.text()


def test_what_a_handler_enqueues_is_a_part_of_its_span(tenant: Tenant, registry: Registry, spans: Spans) -> None:
    with entered(StoreMode(tenant.name)), working(tenant.bench, registry):
        job_id = tenant.submit("more")
        child = json.loads(ended(tenant.bench, job_id, Status.COMPLETED).result or b"")
        ended(tenant.bench, child, Status.COMPLETED)
    assert parent_of(spans.one("submit look")) == ids_of(spans.one("run more"))[1]
    assert parent_of(spans.one("run look")) == ids_of(spans.one("submit look"))[1]
    assert len({ids_of(span)[0] for span in spans.all()}) == 1


@each_lane
def test_jobs_of_one_request_are_parts_of_one_span(tenant: Tenant, registry: Registry, spans: Spans) -> None:
    bodies = [{"kind": "look"}, {"kind": "look", "queue": "b"}, {"kind": ""}]
    items = tenant.ask("POST", "/jobs/bulk", bodies, traceparent=PARENT).body["items"]
    steps = [{"name": "a", "kind": "look"}, {"name": "b", "kind": "look", "after": ["a"]}]
    asked = {"name": "w", "steps": steps, "callback": {"kind": "look"}}
    flow = tenant.ask("POST", "/workflows", asked, traceparent=PARENT).body
    bulk, workflow = spans.named("submit look")
    assert [(span.attributes or {})["messaging.batch.message_count"] for span in (bulk, workflow)] == [2, 2]
    with working(tenant.bench, registry):
        ended(tenant.bench, items[0]["id"], Status.COMPLETED)
        ended(tenant.bench, flow["steps"][1]["job_id"], Status.COMPLETED)
    for span, ids in ((bulk, [item["id"] for item in items[:2]]), (workflow, [it["job_id"] for it in flow["steps"]])):
        assert {tenant.job(job_id)["trace"]["traceparent"] for job_id in ids} == {f"00-{TRACE_ID}-{ids_of(span)[1]}-01"}
    runs = {told["messaging.message.id"]: told for span in spans.named("run look") if (told := span.attributes or {})}
    assert runs[flow["steps"][1]["job_id"]]["ironforge.workflow.id"] == flow["id"]


@each_lane
def test_the_document_names_the_headers_where_they_are_read(tenant: Tenant, spans: Spans) -> None:
    paths = openapi_document()["paths"].items()
    named = {
        path
        for path, methods in paths
        for operation in methods.values()
        if {"traceparent", "tracestate"} <= {told["name"] for told in operation["parameters"] if told["in"] == "header"}
    }
    step = {"name": "a", "kind": "look"}
    assert tenant.ask("POST", "/schedules", {"name": "pulse", "every_ms": 60_000, "kind": "look"}).status == 201
    flow = tenant.ask("POST", "/workflows", {"name": "w", "steps": [step]}).body["id"]
    lease = tenant.bench.lease()
    held = {"job_id": lease.job.id, "lease_token": lease.token}
    bodies: dict[str, object] = {
        "/jobs": {"kind": "look"},
        "/jobs/bulk": [{"kind": "look"}],
        "/workflows": {"name": "w", "steps": [step]},
        "/workflows/{workflow_id}/steps": {**held, "steps": [{"name": "b", "kind": "look"}]},
        "/schedules/{name}/run": {},
    }
    assert named == bodies.keys()
    for path, body in bodies.items():
        address = path.replace("{workflow_id}", flow).replace("{name}", "pulse")
        before = len(spans.named("submit look"))
        assert tenant.ask("POST", address, body, traceparent=PARENT, tracestate="vendor=1").status < 300, path
        [submit] = spans.named("submit look")[before:]
        assert (ids_of(submit)[0], parent_of(submit)) == (TRACE_ID, SPAN_ID), path
        assert submit.context.trace_state.to_header() == "vendor=1", path


@each_lane
@pytest.mark.parametrize("header", ["", "00", PARENT.upper(), f"ff{PARENT[2:]}", "ÿ" * 55, f"{PARENT}, {PARENT}"])
def test_a_header_that_breaks_the_rules_begins_a_trace(tenant: Tenant, spans: Spans, header: str) -> None:
    answer = tenant.ask("POST", "/jobs", {"kind": "look"}, traceparent=header, tracestate="A==")
    assert answer.status == 202
    assert spans.one("submit look").parent is None
    shown = tenant.job(answer.body["id"])["trace"]
    assert (shown["trace_id"], shown.get("tracestate")) == (ids_of(spans.one("submit look"))[0], None)


def test_each_fire_of_a_schedule_begins_a_trace(tenant: Tenant, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "runner", lambda: tenant.bench.runner)
    asked = {"name": "pulse", "every_ms": 60_000, "kind": "look", "catch_up": "all", "catch_up_limit": 9}
    assert tenant.ask("POST", "/schedules", asked).status == 201
    tenant.bench.advance(150_000)
    Ticker(tenant.name, only_there=True).tick()
    by_hand = tenant.ask("POST", "/schedules/pulse/run", traceparent=PARENT).body["id"]
    *fired, last = spans.named("submit look")
    assert len({ids_of(span)[0] for span in fired}) == len(fired) == 2
    assert (parent_of(last), tenant.job(by_hand)["trace"]["trace_id"]) == (SPAN_ID, TRACE_ID)
    for span in fired:
        job_id = (span.attributes or {})["messaging.message.id"]
        assert tenant.job(str(job_id))["trace"]["trace_id"] == ids_of(span)[0]


def test_word_of_an_end_is_a_part_of_the_trace_of_what_it_tells(
    tenant: Tenant, registry: Registry, spans: Spans, settings: Settings
) -> None:
    settings.IRONFORGE_PUSH_ALLOW = ("127.0.0.0/8",)
    traced = {"traceparent": PARENT, "tracestate": "vendor=1"}
    with receiver() as there, working(tenant.bench, registry):
        assert tenant.ask("PUT", "/webhook", {}).status == 201
        job_id = tenant.ask("POST", "/jobs", {"kind": "look", "webhook": there.url}, **traced).body["id"]
        asked = {"name": "w", "steps": [{"name": "a", "kind": "look.thread"}], "webhook": there.url}
        flow = tenant.ask("POST", "/workflows", asked, **traced).body["id"]
        until(lambda: len(spans.named("run ironforge.webhook")) == 2)
        [first] = tenant.ask("GET", f"/deliveries?job_id={job_id}").body["data"]
        assert tenant.ask("POST", f"/deliveries/{first['id']}/resend", {}).status == 202
        until(lambda: len(spans.named("run ironforge.webhook")) == 3)
    runs = {ids_of(span)[1]: span for span in spans.named("run ironforge.webhook")}
    assert {ids_of(span)[0] for span in spans.all()} == {TRACE_ID}
    submitted = {"job.completed": "submit look", "workflow.completed": "submit look.thread"}
    heard = [(received.headers, json.loads(received.body)) for received in there.requests]
    assert sorted(body["data"].get("id") or body["data"]["workflow_id"] for _, body in heard) == sorted(
        [job_id, job_id, flow]
    )
    for headers, body in heard:
        assert headers["traceparent"][:36] == f"00-{TRACE_ID}-"
        run = runs.pop(headers["traceparent"][36:52])
        assert parent_of(run) == ids_of(spans.one(submitted[body["type"]]))[1]
        assert "tracestate" not in headers, "it is for those who made the trace"


def test_a_decision_not_to_record_is_kept(tenant: Tenant, registry: Registry, spans: Spans) -> None:
    answer = tenant.ask("POST", "/jobs", {"kind": "look"}, traceparent=f"{PARENT[:-1]}0")
    with working(tenant.bench, registry):
        job = ended(tenant.bench, answer.body["id"], Status.COMPLETED)
    assert spans.all() == ()
    assert json.loads(job.result or b"")["traceparent"].endswith("-00")


def test_a_refused_job_is_told_by_its_code(tenant: Tenant, spans: Spans) -> None:
    for _ in range(2):
        tenant.ask("POST", "/jobs", {"kind": "look", "unique": {"key": SECRET, "on_conflict": "reject"}})
    accepted, refused = spans.named("submit look")
    assert accepted.status.is_ok
    assert (refused.attributes or {})["error.type"] == "unique_conflict"
    assert SECRET not in spans.text()


@each_lane
def test_without_tracing_nothing_is_stored(tenant: Tenant) -> None:
    ids = [tenant.ask("POST", "/jobs", {"kind": "look"}, **more).body["id"] for more in ({}, {"traceparent": PARENT})]
    plain, traced = (tenant.bench.raw(job_id)["spec"] for job_id in ids)
    assert plain == traced
    assert "trace" not in tenant.job(ids[1])
