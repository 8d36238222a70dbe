"""Lines about many jobs, written in one go, against the formatter that writes them one by one."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from jobs.telemetry.job_lines import JobLine, log_jobs
from jobs.telemetry.logs import ConsoleFormatter, JsonFormatter

LINES = [
    JobLine("0197c0de-0000", "email.send", 12, 1, "main"),
    JobLine('a"\n\u2028é', "ifk_secret.kind", 0, 3, "mail"),
]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Return a logger of its own, with no handler yet."""
    made = logging.getLogger("ironforge.test_job_lines")
    made.propagate = False
    made.setLevel(logging.INFO)
    yield made
    made.handlers.clear()
    made.setLevel(logging.NOTSET)


class Fussy(logging.StreamHandler[io.StringIO]):
    """A handler that wants to see every record."""


def written(logger: logging.Logger, handler: logging.StreamHandler[io.StringIO], formatter: logging.Formatter) -> str:
    """Return what a handler writes for LINES, without times."""
    handler.setFormatter(formatter)
    logger.handlers[:] = [handler]
    log_jobs(logger, "job.completed", LINES)
    return re.sub(r'"timestamp":"[^"]*"', '"timestamp":""', handler.stream.getvalue())


def test_the_quick_way_writes_the_very_lines_of_the_formatter(logger: logging.Logger) -> None:
    quick = written(logger, logging.StreamHandler(io.StringIO()), JsonFormatter())
    one_by_one = written(logger, Fussy(io.StringIO()), JsonFormatter())
    assert quick == one_by_one
    entries = [json.loads(line) for line in quick.splitlines()]
    assert [entry["job_id"] for entry in entries] == [line.job_id for line in LINES]
    assert list(entries[0]) == [
        "timestamp", "level", "target", "job_id", "kind", "event", "duration_ms", "attempt", "queue",
    ]  # fmt: skip
    assert "secret" not in quick


def test_other_formats_and_levels_count(logger: logging.Logger) -> None:
    assert "email.send" in written(logger, logging.StreamHandler(io.StringIO()), ConsoleFormatter())
    logger.setLevel(logging.WARNING)
    assert written(logger, logging.StreamHandler(io.StringIO()), JsonFormatter()) == ""


def test_a_log_that_cannot_be_written_does_not_stop_the_work(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    stream.close()
    handler.setFormatter(JsonFormatter())
    logger.handlers[:] = [handler]
    log_jobs(logger, "job.completed", LINES)
    assert "Logging error" in capsys.readouterr().err
