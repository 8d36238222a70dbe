"""Tracing turned on inside a test, with OpenTelemetry's exporter that keeps spans in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_django import Settings

from jobs.telemetry import logs, tracing

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


class Spans:
    """The spans that ended since the test began."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> Sequence[ReadableSpan]:
        """Return them in the order of their ends."""
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Return those of a name."""
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """Return the only one of a name."""
        (span,) = self.named(name)
        return span

    def text(self) -> str:
        """Return all that they say."""
        return "".join(span.to_json() for span in self.all())


@pytest.fixture
def spans(settings: Settings) -> Iterator[Spans]:
    """Trace, as a program does that has set a provider of its own."""
    settings.IRONFORGE_TRACING = True
    exporter = _exporter()
    exporter.clear()
    tracing.tracer.cache_clear()
    yield Spans(exporter)
    settings.IRONFORGE_TRACING = False
    tracing.tracer.cache_clear()
    logs.show_traces(lambda: None)


@cache
def _exporter() -> InMemorySpanExporter:
    # A process has one provider for good.
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def ids_of(span: ReadableSpan) -> tuple[str, str]:
    """Return the ids of a span and of its trace, in hex."""
    return trace.format_trace_id(span.context.trace_id), trace.format_span_id(span.context.span_id)


def parent_of(span: ReadableSpan) -> str | None:
    """Return the id of the span that it is in, in hex."""
    return None if span.parent is None else trace.format_span_id(span.parent.span_id)
