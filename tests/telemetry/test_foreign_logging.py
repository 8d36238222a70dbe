"""Events in the logging of a project that is not IronForge's: a formatter of the library's, or Django's default."""

from __future__ import annotations

import io
import logging

from jobs.telemetry.logs import entry_of, log_event


def test_another_formatter_writes_an_event_with_its_fields_in_one_line_and_without_secrets() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.Logger("ironforge.test")
    logger.addHandler(handler)
    log_event(
        logger,
        "job.failed",
        level=logging.WARNING,
        kind="email.send",
        attempt=2,
        queue=None,
        error="two\nlines of ifk_abc_def",
        password="hidden",
    )
    assert (
        stream.getvalue()
        == 'WARNING job.failed kind=email.send attempt=2 error="two\\nlines of ifk_***" password=***\n'
    )


def test_an_event_stays_its_name_for_who_asks_for_it() -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.Logger("ironforge.test")
    logger.addHandler(handler)
    log_event(logger, "job.failed", attempt=2)
    assert records[0].msg == "job.failed"
    assert type(entry_of(records[0])["event"]) is str
