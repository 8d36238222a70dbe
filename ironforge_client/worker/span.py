"""The span of an attempt, where the program uses OpenTelemetry: what its handler traces is a part of it.

Names and attributes are those of IronForge's own workers (`docs/tracing.md`). No payload, result or text of an error.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ironforge_client.jobs import Job, read_time
from ironforge_client.trace import OTEL, Trace, trace_of
from ironforge_client.version import __version__
from ironforge_client.worker.protocol import Document

_CONTEXT = "opentelemetry.context"


class AttemptSpan:
    """Begins at once; `trace` is where the handler is, None for no trace. Nothing here raises."""

    def __init__(self, job: Job, attempt: int) -> None:
        self.trace = job.trace
        self._api: Any = sys.modules.get(OTEL)
        self._span: Any = None
        if self._api is None:
            return
        try:
            self._span = self._begun(job, attempt)
            self.trace = trace_of(self._span) or self.trace
        except Exception:  # noqa: BLE001 (a program's own tracing must not hurt a job)
            self._span = None

    def current(self) -> AbstractContextManager[object]:
        """Return what makes it the current span of the running code."""
        if self._span is None:
            return nullcontext()
        current: AbstractContextManager[object] = self._api.use_span(
            self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )
        return current

    def end(self, settlement: Document | None) -> None:
        """End it as the attempt ended; None: its lease was lost."""
        if self._span is None:
            return
        try:
            self._end("lease_lost" if settlement is None else settlement["outcome"], settlement or {})
        except Exception:  # noqa: BLE001 (as above)
            return

    def _end(self, outcome: str, settlement: Document) -> None:
        self._span.set_attribute("ironforge.job.outcome", outcome)
        if outcome in ("failed", "discarded", "lease_lost"):
            self._span.set_attribute("error.type", settlement.get("error", {}).get("type") or outcome)
            self._span.set_status(self._api.Status(self._api.StatusCode.ERROR))
        self._span.end()

    def _begun(self, job: Job, attempt: int) -> Any:
        api, now_ns = self._api, time.time_ns()
        tracer = api.get_tracer("ironforge", __version__)
        attributes: dict[str, str | int] = {
            "messaging.system": "ironforge",
            "messaging.destination.name": job.queue,
            "messaging.message.id": job.id,
            "ironforge.job.kind": job.kind,
            "ironforge.job.priority": job.priority,
            "ironforge.job.attempt": attempt,
        }
        ready = read_time(job.document.get("ready_at") or job.document["created_at"])
        ready_ns = min(int(ready.timestamp() * 1e9), now_ns)
        nowhere = sys.modules[_CONTEXT].Context()
        within = nowhere if job.trace is None else api.set_span_in_context(_remote(api, job.trace), nowhere)
        wait = tracer.start_span(f"wait {job.kind}", within, attributes=attributes, start_time=ready_ns)
        wait.end(now_ns)
        if job.trace is None:
            within = api.set_span_in_context(wait, nowhere)
        attributes |= {"messaging.operation.name": "run", "messaging.operation.type": "process"}
        return tracer.start_span(f"run {job.kind}", within, api.SpanKind.CONSUMER, attributes, start_time=now_ns)


def _remote(api: Any, trace: Trace) -> Any:
    ids = int(trace.traceparent[3:35], 16), int(trace.traceparent[36:52], 16)
    state = api.TraceState.from_header([trace.tracestate]) if trace.tracestate else None
    flags = api.TraceFlags(int(trace.traceparent[53:55], 16))
    return api.NonRecordingSpan(api.SpanContext(*ids, is_remote=True, trace_flags=flags, trace_state=state))
