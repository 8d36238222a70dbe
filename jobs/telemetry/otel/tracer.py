"""Spans of jobs, by the semantic conventions for messaging: `submit` (producer), `wait`, and `run` (consumer).

An attribute names what ran and how it ended, never what it worked on: no payload, result, tag or text of an error.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Mapping, Sequence
from contextvars import Context as Variables
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from jobs import __version__
from jobs.domain.job import Job, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.trace import TraceContext
from jobs.telemetry.logs import get_logger, log_event
from jobs.telemetry.otel.provider import provider_of

_SYSTEM: Final = "ironforge"
_MS: Final = 1_000_000
_log = get_logger("tracing")


class OtelSpan:
    """A span that is ended once."""

    __slots__ = ("_span", "context")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self.context = context_of(span)

    def end(self, *, job_id: str = "", outcome: str = "", error_type: str = "") -> None:
        """End it."""
        try:
            self._end(job_id, outcome, error_type)
        except Exception as error:  # noqa: BLE001 (a processor of the program's own: the job goes on)
            _tell(error)

    def _end(self, job_id: str, outcome: str, error_type: str) -> None:
        span = self._span
        if job_id:
            span.set_attribute("messaging.message.id", job_id)
        if outcome:
            span.set_attribute("ironforge.job.outcome", outcome)
        if error_type:
            span.set_attribute("error.type", error_type)
            span.set_status(Status(StatusCode.ERROR))
        span.end()


class OtelTracer:
    """Makes spans with the process's provider."""

    def __init__(self, service: str, exporter_names: str) -> None:
        provider, self._stop = provider_of(service, exporter_names)
        self._tracer = provider.get_tracer(_SYSTEM, __version__)
        # For processes that end by themselves; a worker that has to leave by force says so before.
        atexit.register(self.stop)

    def begin_submit(self, specs: Sequence[JobSpec], namespace: str, parent: TraceContext | None) -> OtelSpan:
        """Begin the span of jobs on their way into the store."""
        try:
            return OtelSpan(self._submit(specs, namespace, parent))
        except Exception as error:  # noqa: BLE001 (a sampler or processor of the program's own: the job goes on)
            return _no_span(error)

    def begin_run(self, lease: Lease, variables: Variables) -> OtelSpan:
        """Note how long the job waited since it was ready, and begin the span of its handler."""
        try:
            return OtelSpan(self._run(lease, variables))
        except Exception as error:  # noqa: BLE001 (as above)
            return _no_span(error)

    def enter(self, trace_context: TraceContext) -> None:
        """Let what follows be a part of another process's span."""
        attach(_within(trace_context))

    def current(self) -> TraceContext | None:
        """Return the span of the running code."""
        return context_of(trace.get_current_span())

    def stop(self) -> None:
        """Send what is left."""
        self._stop()

    def _submit(self, specs: Sequence[JobSpec], namespace: str, parent: TraceContext | None) -> trace.Span:
        kinds, queues = {spec.kind for spec in specs}, {spec.queue for spec in specs}
        attributes: dict[str, str | int] = {
            **_operation("submit", "send"),
            "ironforge.namespace": namespace,
            **({"messaging.batch.message_count": len(specs)} if len(specs) != 1 else {}),
            **({"messaging.destination.name": min(queues)} if len(queues) == 1 else {}),
            **({"ironforge.job.kind": min(kinds)} if len(kinds) == 1 else {}),
        }
        name = f"submit {min(kinds)}" if len(kinds) == 1 else "submit"
        # The code that runs knows better than its caller where in the trace it is.
        context = None if _is_in_span() or parent is None else _within(parent)
        return self._tracer.start_span(name, context, SpanKind.PRODUCER, attributes)

    def _run(self, lease: Lease, variables: Variables) -> trace.Span:
        job = lease.job
        now_ns = time.time_ns()
        # Clocks of two machines: no span ends before it begins.
        ready_ns = min((job.ready_at or job.created_at) * _MS, now_ns)
        attributes = _attributes_of(job, lease.attempt)
        parent = _within(job.trace) if job.trace is not None else Context()
        wait = self._tracer.start_span(f"wait {job.kind}", parent, SpanKind.INTERNAL, attributes, start_time=ready_ns)
        wait.end(now_ns)
        # A job that was submitted without tracing begins a trace of its own here.
        within = parent if job.trace is not None else trace.set_span_in_context(wait, Context())
        attributes |= _operation("run", "process")
        run = self._tracer.start_span(f"run {job.kind}", within, SpanKind.CONSUMER, attributes, start_time=now_ns)
        variables.run(attach, trace.set_span_in_context(run, Context()))
        return run


def context_of(span: trace.Span) -> TraceContext | None:
    """Return what names a span; None for one that is nowhere."""
    told = span.get_span_context()
    if not told.is_valid:
        return None
    ids = trace.format_trace_id(told.trace_id), trace.format_span_id(told.span_id)
    return TraceContext(*ids, int(told.trace_flags), told.trace_state.to_header())


def _no_span(error: Exception) -> OtelSpan:
    _tell(error)
    return OtelSpan(trace.INVALID_SPAN)


def _tell(error: Exception) -> None:
    log_event(_log, "tracing.failed", level=logging.WARNING, reason=type(error).__name__)


def _is_in_span() -> bool:
    return trace.get_current_span().get_span_context().is_valid


def _within(parent: TraceContext) -> Context:
    told = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(parent.flags),
        trace_state=TraceState.from_header([parent.state]) if parent.state else None,
    )
    return trace.set_span_in_context(NonRecordingSpan(told), Context())


def _operation(name: str, kind: str) -> Mapping[str, str]:
    return {"messaging.system": _SYSTEM, "messaging.operation.name": name, "messaging.operation.type": kind}


def _attributes_of(job: Job, attempt: int) -> dict[str, str | int]:
    return {
        "messaging.system": _SYSTEM,
        "messaging.destination.name": job.queue,
        "messaging.message.id": job.id,
        "ironforge.namespace": job.namespace,
        "ironforge.job.kind": job.kind,
        "ironforge.job.priority": job.priority.value,
        "ironforge.job.attempt": attempt,
        **({"ironforge.schedule.id": job.schedule_id} if job.schedule_id else {}),
        **({"ironforge.workflow.id": job.workflow_id} if job.workflow_id else {}),
        **({"ironforge.workflow.step": job.step} if job.step else {}),
    }
