"""A program that uses OpenTelemetry: what it submits is a part of its trace, and what it runs a part of the job's."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace

from ironforge_client import AsyncClient, Client, Context, Snooze, Trace
from ironforge_client.jobs import read_job
from ironforge_client.worker.attempt import Attempt
from ironforge_client.worker.execution import Execution
from ironforge_client.worker.protocol import Lease
from ironforge_client.worker.registry import Handler
from tests.receiver import json_answer, receiver
from tests.traced import PARENT, SPAN_ID, TRACE_ID, Spans, ids_of, parent_of
from tests.traced import spans as spans  # noqa: PLC0414 (pytest finds it here)

SECRET = "hunter2-hunter2"
JOB = {
    "id": "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00", "kind": "shop.order", "queue": "main", "priority": "medium",
    "status": "running", "payload": SECRET, "max_retries": 3, "retry_count": 0, "timeout_ms": 1000,
    "created_at": "2026-01-17T10:30:00.000Z", "delivery": "at_least_once",
}  # fmt: skip
TRACED = {"trace": {"trace_id": TRACE_ID, "traceparent": PARENT, "tracestate": "vendor=1"}}


def run(function: Any, is_async: bool, **more: Any) -> Attempt:
    """Run an attempt as a worker does, and return it when it has ended."""

    async def ran() -> Attempt:
        ended = asyncio.Event()
        attempt = Attempt(Lease(read_job(JOB | more), "token", 2, 10.0, None, {}), math.inf)

        def changed(_: Attempt) -> None:
            if attempt.is_ended:
                ended.set()

        Execution(attempt, Handler(function, None, is_async), lambda: None, changed).start()
        await asyncio.wait_for(ended.wait(), 10)
        return attempt

    return asyncio.run(ran())


def seen(context: Context) -> tuple[Trace | None, str]:
    return context.trace, trace.format_span_id(trace.get_current_span().get_span_context().span_id)


def submit_twice(url: str) -> None:
    with Client(url) as client:
        client.submit("shop.order")
        with trace.get_tracer("shop").start_as_current_span("order"):
            client.submit("shop.order")


async def submit_twice_on_a_loop(url: str) -> None:
    async with AsyncClient(url) as client:
        await client.submit("shop.order")
        with trace.get_tracer("shop").start_as_current_span("order"):
            await client.submit("shop.order")


@pytest.mark.parametrize("is_async", [True, False])
def test_what_is_submitted_is_a_part_of_the_span_of_the_caller(spans: Spans, is_async: bool) -> None:
    answer = json_answer("202 Accepted", json.dumps(JOB).encode(), "connection: close")
    with receiver(answer) as there:
        url = f"http://127.0.0.1:{there.port}"
        asyncio.run(submit_twice_on_a_loop(url)) if is_async else submit_twice(url)
    (span,) = spans.all()
    plain, traced = (request.headers.get("traceparent") for request in there.requests)
    assert plain is None
    assert str(traced).split("-")[1:3] == list(ids_of(span))


@pytest.mark.parametrize("is_async", [True, False])
def test_a_handler_runs_in_a_span_of_the_jobs_trace(spans: Spans, is_async: bool) -> None:
    told: list[tuple[Trace | None, str]] = []

    async def on_loop(context: Context, payload: Any) -> None:
        told.append(seen(context))

    def in_thread(context: Context, payload: Any) -> None:
        told.append(seen(context))

    run(on_loop if is_async else in_thread, is_async, **TRACED)
    wait, span = spans.all()
    assert (wait.name, span.name, span.kind) == ("wait shop.order", "run shop.order", trace.SpanKind.CONSUMER)
    assert {ids_of(each)[0] for each in spans.all()} == {TRACE_ID}
    assert (parent_of(wait), parent_of(span)) == (SPAN_ID, SPAN_ID)
    assert told == [(Trace(f"00-{TRACE_ID}-{ids_of(span)[1]}-01", "vendor=1"), ids_of(span)[1])]
    assert (span.attributes or {})["ironforge.job.outcome"] == "completed"
    assert SECRET not in spans.text()


@pytest.mark.parametrize(("error", "outcome"), [(ValueError(SECRET), "failed"), (Snooze(5), "snoozed")])
def test_the_span_says_how_it_ended_and_no_more(spans: Spans, error: Exception, outcome: str) -> None:
    def handler(context: Context, payload: Any) -> None:
        raise error

    run(handler, False)
    wait, span = spans.all()
    assert (span.attributes or {})["ironforge.job.outcome"] == outcome
    assert (span.attributes or {}).get("error.type") == ("ValueError" if outcome == "failed" else None)
    assert (wait.parent, parent_of(span)) == (None, ids_of(wait)[1])
    assert SECRET not in spans.text()


def test_the_client_loads_no_opentelemetry_by_itself() -> None:
    program = "import sys, ironforge_client, ironforge_client.worker; print([m for m in sys.modules if 'opentel' in m])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
