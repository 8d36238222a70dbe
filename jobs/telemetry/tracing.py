"""Traces of jobs, as the layers above know them. OpenTelemetry is loaded only where IRONFORGE_TRACING is on.

Nothing here raises: a trace that cannot be written is no reason for a job to suffer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import cache
from typing import Protocol, cast

from django.utils.module_loading import import_string

from jobs.conf import conf, tracing_conf
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.trace import TRACEPARENT, TRACESTATE, TraceContext, parse_trace
from jobs.telemetry import logs
from jobs.telemetry.logs import log_event

_log = logs.get_logger("tracing")
OTEL = "jobs.telemetry.otel.tracer.OtelTracer"


class Span(Protocol):
    """A span that has begun. `context` names it for those who go on from it; None where nothing is traced."""

    context: TraceContext | None

    def end(self, *, job_id: str = "", outcome: str = "", error_type: str = "") -> None:
        """End it, once. `error_type` says in a word what went wrong: texts of errors may hold anything."""


class Tracer(Protocol):
    """Makes spans. Safe to call from any thread."""

    def begin_submit(self, specs: Sequence[JobSpec], namespace: str, parent: TraceContext | None) -> Span:
        """Begin the span of jobs on their way into the store; in a span of the running code, else in `parent`."""

    def begin_run(self, lease: Lease, variables: Context) -> Span:
        """Note how long the job of an attempt waited, and begin the span of its handler, which `variables` then has."""

    def enter(self, trace: TraceContext) -> None:
        """Let what the present thread or task does next be a part of another process's span."""

    def current(self) -> TraceContext | None:
        """Return the span of the running code."""

    def stop(self) -> None:
        """Send what is left, within two seconds."""


@cache
def tracer() -> Tracer | None:
    """Return the process's tracer, None where tracing is off. After every fork: it may have threads."""
    if not tracing_conf().is_on:
        return None
    try:
        made = cast("Tracer", import_string(OTEL)(f"ironforge-{conf().role}", tracing_conf().exporters))
    except Exception as error:  # noqa: BLE001 (a variable of OpenTelemetry's is wrong: the process works without it)
        log_event(_log, "tracing.not_started", level=logging.ERROR, exception=error)
        return None
    logs.show_traces(made.current)
    return made


def prepare() -> None:
    """Load what tracing needs, if it is on, and start nothing: forks share it then."""
    if tracing_conf().is_on:
        import_string(OTEL)


def trace_asked_for(header: Callable[[str], str | None]) -> TraceContext | None:
    """Return the trace that the headers of a request ask for; None where tracing is off."""
    parent = header(TRACEPARENT) if tracer() is not None else None
    return parse_trace(parent, header(TRACESTATE) or "") if parent else None


def stop() -> None:
    """Send what is left."""
    made = tracer()
    if made is not None:
        made.stop()
