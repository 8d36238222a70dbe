"""Between reports of attempts and what the store keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from jobs.backends.redis.codec import opaque, text_of
from jobs.domain.report import MAX_PROGRESS_TEXT, JobLog, LogLine, Report, plain_line


def encode_report(report: Report) -> list[object]:
    """Return one entry of report.lua's batch."""
    fraction = -1.0 if report.fraction is None else min(1.0, max(0.0, report.fraction))
    lines = [(line.age_ms, line.level, plain_line(line.text)) for line in report.lines]
    return [
        report.job_id,
        report.token,
        report.number,
        fraction,
        plain_line(report.text, MAX_PROGRESS_TEXT),
        list(chain.from_iterable(lines)),
        opaque(report.checkpoint) if report.checkpoint else "",
    ]


def decode_log(reply: Sequence[Any]) -> JobLog | None:
    """Return the lines that log.lua found; None where there is no such job."""
    known, lines = reply
    if not known:
        return None
    return JobLog(tuple(line for raw in lines if (line := _line(raw)) is not None))


def _line(raw: bytes) -> LogLine | None:
    at, attempt, level, text = [*raw.split(b" ", 3), b"", b"", b""][:4]
    try:
        return LogLine(int(at), int(attempt), text_of(level), text_of(text))
    except ValueError:
        return None
