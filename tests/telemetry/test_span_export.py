"""Exporters of spans: what cannot be made or sent is told, rarely, and hurts nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextvars import copy_context

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from jobs.domain.job import JobSpec
from jobs.telemetry.otel import tracer as tracers
from jobs.telemetry.otel.export import RareTrouble, processors
from tests.telemetry.test_logs import Captured

SECRET = "hunter2-hunter2"


class Broken(SpanExporter):
    """Fails as exporters should not."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise OSError(SECRET)


class BrokenProvider(trace.TracerProvider):
    """A program's own, whose sampler fails."""

    def get_tracer(self, *names: object, **more: object) -> trace.Tracer:
        return BrokenTracer()


class BrokenTracer(trace.NoOpTracer):
    """Makes no span."""

    def start_span(self, *args: object, **more: object) -> trace.Span:
        raise ValueError(SECRET)


@pytest.fixture
def lines() -> Iterator[Captured]:
    made, logger = Captured(), logging.getLogger("ironforge.tracing")
    logger.addHandler(made)
    yield made
    logger.removeHandler(made)


def told(lines: Captured) -> list[tuple[object, object]]:
    entries = [json.loads(line) for line in lines.lines]
    return [(entry["event"], entry.get("reason", entry.get("exporter"))) for entry in entries]


def test_an_exporter_that_cannot_be_made_is_told_and_the_others_work(
    lines: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processors("none") == processors("") == []
    (made,) = processors("no_such, console")
    made.shutdown()
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    assert processors("console") == []
    assert told(lines) == [("tracing.no_exporter", why) for why in ("no_such", "ValueError")]


def test_what_is_not_sent_is_told_once_a_minute_without_its_text(lines: Captured) -> None:
    exporter = RareTrouble(Broken())
    for _ in range(3):
        assert exporter.export([]) is SpanExportResult.FAILURE
    assert told(lines) == [("tracing.not_exported", "OSError")]
    assert SECRET not in "".join(lines.lines)


def test_a_tracer_that_fails_hurts_no_job(lines: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracers, "provider_of", lambda *_: (BrokenProvider(), lambda: None))
    span = tracers.OtelTracer("test", "none").begin_submit([JobSpec(kind="a")], "n", None)
    span.end(job_id="x", error_type="y")
    assert span.context is None
    assert told(lines) == [("tracing.failed", "ValueError")]
    assert copy_context().run(tracers.OtelTracer("test", "none").current) is None
