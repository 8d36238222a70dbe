"""What a collector of OpenTelemetry gets, and the environment of processes that send to it."""

from __future__ import annotations

from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.receiver import Receiver
from tests.workers.test_command import package

HANDLERS = """
from opentelemetry import trace
from workers import handler

@handler("traced", isolation="process")
def traced(context, payload):
    with trace.get_tracer("shop").start_as_current_span("inner"):
        return context.trace.traceparent
"""


def sent_to(collector: Receiver) -> list[tuple[str, Span]]:
    """Return the spans that a collector got, each with the service that sent it."""
    spans = []
    for request in list(collector.requests):
        for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
            (service,) = (it.value.string_value for it in resource.resource.attributes if it.key == "service.name")
            spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
    return spans


def traced(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of processes that trace, and know a handler that does."""
    return {
        "IRONFORGE_TRACING": "on",
        "IRONFORGE_HANDLERS": "traced",
        "PYTHONPATH": package(folder, "traced", HANDLERS),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
