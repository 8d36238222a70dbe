"""Logs one event about many jobs in one write: the lines are those of `log_event`, at a tenth of its cost."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from jobs.telemetry.logs import JsonFormatter, log_event, timestamp_of
from jobs.telemetry.secret_mask import masked


class JobLine(NamedTuple):
    """What a line says of one job. `namespace` where the process serves several, the span where tracing is on."""

    job_id: str
    kind: str
    duration_ms: int
    attempt: int
    queue: str
    namespace: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


_quoted = lru_cache(maxsize=1024)(encode_basestring_ascii)


def log_jobs(logger: logging.Logger, event: str, lines: Sequence[JobLine]) -> None:
    """Log that `event` happened to each of these jobs, in order, at level INFO."""
    if not lines or not logger.isEnabledFor(logging.INFO):
        return
    handler = _only_handler(logger)
    if handler is None:
        for line in lines:
            log_event(logger, event, **line._asdict())
        return
    handler.acquire()
    try:
        handler.stream.write(_text(logger.name, event, lines))
        handler.flush()
    except Exception:  # noqa: BLE001 (as logging does: a log that cannot be written must not stop the work)
        handler.handleError(logger.makeRecord(logger.name, logging.INFO, __file__, 0, event, (), None))
    finally:
        handler.release()


def _only_handler(logger: logging.Logger) -> logging.StreamHandler | None:  # type: ignore[type-arg]
    """Return the JSON handler if it is all that would see the records; anything else gets records of its own."""
    handlers: list[logging.Handler] = []
    asked: logging.Logger | None = logger
    while asked is not None:
        handlers += asked.handlers
        asked = asked.parent if asked.propagate else None
    if logger.filters or len(handlers) != 1:
        return None
    (handler,) = handlers
    is_plain = type(handler) is logging.StreamHandler and type(handler.formatter) is JsonFormatter
    return handler if is_plain and not handler.filters and handler.level <= logging.INFO else None  # type: ignore[return-value]


def _text(target: str, event: str, lines: Sequence[JobLine]) -> str:
    head = f'{{"timestamp":"{timestamp_of(time.time())}","level":"INFO","target":{_quoted(target)},"job_id":'
    said = f',"event":{_quoted(event)},"duration_ms":'
    return masked(
        "".join(
            [
                f'{head}{encode_basestring_ascii(job_id)},"kind":{_quoted(kind)}{said}{duration_ms},'
                f'"attempt":{attempt},"queue":{_quoted(queue)}{_owner(namespace)}{_span(trace_id, span_id)}}}\n'
                for job_id, kind, duration_ms, attempt, queue, namespace, trace_id, span_id in lines
            ]
        )
    )


def _owner(namespace: str | None) -> str:
    return "" if namespace is None else f',"namespace":{_quoted(namespace)}'


def _span(trace_id: str | None, span_id: str | None) -> str:
    return "" if trace_id is None else f',"trace_id":"{trace_id}","span_id":"{span_id}"'
