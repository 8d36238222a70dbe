"""Log records as one JSON object a line: `timestamp level target event`, what the event is about, and `duration_ms`.

`log_event(get_logger("worker"), "job.completed", job_id=…, kind=…, duration_ms=42)` is the way to log.
Control characters and whatever is not ASCII are escaped, so one record is always one harmless line; credentials are
masked.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from jobs.domain.trace import TraceContext
from jobs.telemetry.log_line import rendered, worded
from jobs.telemetry.secret_mask import MASK, SECRET_FIELDS, masked

LogFormat = Literal["json", "console"]

ROOT: Final = "ironforge"
MESSAGE_EVENT: Final = "log"
_FIELDS: Final = "ironforge_fields"
_LEADING: Final = ("job_id", "kind")
# Says in which span the running code is, where tracing is on.
_span_of_code: list[Callable[[], TraceContext | None]] = []
_LIBRARIES: Final = ("uvicorn", "django", "daphne", "channels")


class _Event(str):
    """The name of an event, which a formatter that is not ours, in a project's own logging, writes with its fields."""

    __slots__ = ("_fields",)
    _fields: Mapping[str, object]

    def __new__(cls, name: str, fields: Mapping[str, object]) -> _Event:
        made = super().__new__(cls, name)
        made._fields = fields
        return made

    def __str__(self) -> str:
        safe = dict(_safe(name, value) for name, value in self._fields.items() if value is not None)
        return masked(worded(self[:], safe))


def get_logger(name: str) -> logging.Logger:
    """Return the logger `ironforge.<name>`, e.g. `worker`, `server`, `store`, `supervisor`."""
    return logging.getLogger(f"{ROOT}.{name}")


def log_event(
    logger: logging.Logger,
    event: str,
    *,
    level: int = logging.INFO,
    exception: BaseException | None = None,
    **fields: object,
) -> None:
    """Log that `event` (a name like `job.completed`) happened; `fields` without a value (None) are left out."""
    if logger.isEnabledFor(level):
        logger.log(level, _Event(event, fields), exc_info=exception, extra={_FIELDS: fields})


def show_traces(current: Callable[[], TraceContext | None]) -> None:
    """Let every record from now on have the `trace_id` and `span_id` that `current` returns for the running code."""
    _span_of_code[:] = [current]


def log_sink(logger: logging.Logger) -> Callable[[str, Mapping[str, object]], None]:
    """Return a function that logs an event with its fields, for layers that must not know of logging."""

    def log(event: str, fields: Mapping[str, object]) -> None:
        logger.info(_Event(event, fields), extra={_FIELDS: fields})

    return log


def configuration(level: str = "INFO", fmt: LogFormat = "json", *, colour: bool = False) -> dict[str, object]:
    """Return the value of Django's LOGGING: everything of this process to standard output, one line a record."""
    formatter: dict[str, object] = {"()": "jobs.telemetry.logs.JsonFormatter"}
    if fmt == "console":
        formatter = {"()": "jobs.telemetry.logs.ConsoleFormatter", "colour": colour}
    quiet = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"},
        },
        "root": {"handlers": ["stdout"], "level": "WARNING"},
        "loggers": {
            ROOT: {"level": level.upper()},
            "uvicorn": {**quiet, "level": "WARNING"},
            "uvicorn.error": {**quiet, "level": "WARNING"},
            "uvicorn.access": {**quiet, "level": "CRITICAL"},
            "django": {**quiet, "level": "WARNING"},
            "django.server": {**quiet, "level": "WARNING"},
            # Refused requests (4xx) are answers, not faults; the request log of the server has them.
            "django.request": {**quiet, "level": "ERROR"},
            "django.security": {**quiet, "level": "WARNING"},
        },
    }


class JsonFormatter(logging.Formatter):
    """Formats any record, ours or a library's, as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's JSON object; never raises for a value that JSON does not know."""
        return masked(json.dumps(entry_of(record), ensure_ascii=True, default=str, separators=(",", ":")))


class ConsoleFormatter(logging.Formatter):
    """Formats a record as a short line for people."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        return masked(rendered(entry_of(record), colour=self._colour))


def entry_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields of a record in the order in which they are printed."""
    fields: Mapping[str, object] | None = getattr(record, _FIELDS, None)
    entry: dict[str, object] = {
        "timestamp": timestamp_of(record.created),
        "level": record.levelname,
        "target": _target_of(record.name),
    }
    if fields is None:
        entry["event"] = MESSAGE_EVENT
        entry["message"] = record.getMessage()
    else:
        entry.update((name, fields[name]) for name in _LEADING if fields.get(name) is not None)
        entry["event"] = record.msg[:]
        if fields.get("duration_ms") is not None:
            entry["duration_ms"] = fields["duration_ms"]
        entry.update(_safe(name, value) for name, value in fields.items() if value is not None and name not in entry)
    if _span_of_code and "trace_id" not in entry and (span := _span_of_code[0]()) is not None:
        entry["trace_id"], entry["span_id"] = span.trace_id, span.span_id
    if record.exc_info and record.exc_info[0] is not None:
        entry["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return entry


def timestamp_of(unix_seconds: float) -> str:
    """Return RFC 3339 in UTC with milliseconds, `2026-01-17T10:30:00.000Z`."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _safe(name: str, value: object) -> tuple[str, object]:
    return (name, MASK) if name.lower() in SECRET_FIELDS else (name, value)


def _target_of(name: str) -> str:
    """Return the target: ours as they are, uvicorn as the server, other libraries of the server under our prefix."""
    if name.startswith("uvicorn"):
        return f"{ROOT}.server"
    if name.partition(".")[0] in _LIBRARIES:
        return f"{ROOT}.{name}"
    return name
