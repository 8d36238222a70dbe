"""Traces, as W3C Trace Context and OpenTelemetry have them. The client needs no package: it uses what is loaded."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OTEL = "opentelemetry.trace"


@dataclass(frozen=True, slots=True)
class Trace:
    """Where in a trace something is: a span, by the values of its W3C headers."""

    traceparent: str
    tracestate: str = ""

    @property
    def trace_id(self) -> str:
        """Return the id of the trace, 32 hex digits."""
        return self.traceparent[3:35]

    def headers(self) -> dict[str, str]:
        """Return the headers by which another service becomes a part of the trace."""
        return {"traceparent": self.traceparent, **({"tracestate": self.tracestate} if self.tracestate else {})}


def read_trace(document: Mapping[str, Any] | None) -> Trace | None:
    """Return the trace of a job, None for a job that has none."""
    return None if document is None else Trace(document["traceparent"], document.get("tracestate") or "")


def trace_of(span: Any) -> Trace | None:
    """Return where a span of OpenTelemetry is, None for one that is nowhere."""
    told = span.get_span_context()
    if not told.is_valid:
        return None
    parent = f"00-{told.trace_id:032x}-{told.span_id:016x}-{int(told.trace_flags) & 3:02x}"
    return Trace(parent, told.trace_state.to_header())


def current_headers() -> dict[str, str]:
    """Return the headers of the span of the running code, none where the program does not use OpenTelemetry."""
    api: Any = sys.modules.get(OTEL)
    if api is None:
        return {}
    try:
        trace = trace_of(api.get_current_span())
    except Exception:  # noqa: BLE001 (whatever is loaded under that name, requests are sent all the same)
        return {}
    return {} if trace is None else trace.headers()
