"""Where spans go: the exporter that the environment names, whose failures are told rarely and reach nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from jobs.telemetry.logs import get_logger, log_event

_GROUP: Final = "opentelemetry_traces_exporter"
# What the name means here; any other is that of an entry point of an installed package.
_NAMES: Final = {"otlp": "otlp_proto_http"}
_NOWHERE: Final = frozenset({"", "none"})
_TELL_EVERY_S: Final = 60.0
_log = get_logger("tracing")


def processors(names: str) -> list[SpanProcessor]:
    """Return what sends spans to each exporter of a comma separated list, in the background.

    One that cannot be made is told, and the others go on.
    """
    return [made for name in names.split(",") if (made := _made(name.strip().lower())) is not None]


def _made(name: str) -> SpanProcessor | None:
    if name in _NOWHERE:
        return None
    found = entry_points(group=_GROUP, name=_NAMES.get(name, name))
    if not found:
        hint = "Install requirements-tracing.txt, or the package of that exporter."
        log_event(_log, "tracing.no_exporter", level=logging.ERROR, exporter=name, hint=hint)
        return None
    try:
        return BatchSpanProcessor(RareTrouble(next(iter(found)).load()()))
    except Exception as error:  # noqa: BLE001 (a variable of its own is wrong: the process works without it)
        log_event(_log, "tracing.no_exporter", level=logging.ERROR, exporter=name, reason=type(error).__name__)
        return None


class RareTrouble(SpanExporter):
    """An exporter whose failures are one line a minute; what it says itself may hold addresses and bodies."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0
        self._tell_at = 0.0
        self._lock = threading.Lock()
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that cannot be sent are dropped."""
        try:
            result = self._exporter.export(spans)
            reason = ""
        except Exception as error:  # noqa: BLE001 (whatever it is, the next ones are to be tried)
            result, reason = SpanExportResult.FAILURE, type(error).__name__
        if result is not SpanExportResult.SUCCESS:
            self._note_lost(len(spans), reason)
        return result

    def shutdown(self) -> None:
        """Let the connection go."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what it holds itself."""
        return self._exporter.force_flush(timeout_millis)

    def _note_lost(self, spans: int, reason: str) -> None:
        with self._lock:
            self._lost += spans
            if time.monotonic() < self._tell_at:
                return
            lost, self._lost = self._lost, 0
            self._tell_at = time.monotonic() + _TELL_EVERY_S
        log_event(_log, "tracing.not_exported", level=logging.WARNING, spans=lost, reason=reason or None)
