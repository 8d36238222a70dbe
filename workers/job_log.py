"""The log of a job: what a handler writes down is kept with the job, and goes to the worker's own log as well."""

from __future__ import annotations

import logging
from typing import Protocol

from jobs.domain.lease import Lease
from jobs.telemetry.logs import get_logger, log_event

_log = get_logger("handler")


class Lines(Protocol):
    """Takes lines to the store."""

    def line(self, lease: Lease, level: str, text: str) -> None:
        """Note a line of log."""


class JobLog:
    """Writes lines of one attempt: `log("text")`, or by level, with `%`-arguments as the standard library has them.

    A job keeps 1 000 lines of 2 000 bytes, 256 KiB in all; the oldest go first.
    """

    __slots__ = ("_lease", "_lines")

    def __init__(self, lease: Lease, lines: Lines) -> None:
        self._lease = lease
        self._lines = lines

    def __call__(self, message: object, *args: object) -> None:
        """Write a line of level info."""
        self._write(logging.INFO, message, args)

    def debug(self, message: object, *args: object) -> None:
        """Write a line, unless the worker's level of logging is above it."""
        if _log.isEnabledFor(logging.DEBUG):
            self._write(logging.DEBUG, message, args)

    def info(self, message: object, *args: object) -> None:
        """Write a line."""
        self._write(logging.INFO, message, args)

    def warning(self, message: object, *args: object) -> None:
        """Write a line about something that may be wrong."""
        self._write(logging.WARNING, message, args)

    def error(self, message: object, *args: object) -> None:
        """Write a line about something that is wrong."""
        self._write(logging.ERROR, message, args)

    def _write(self, level: int, message: object, args: tuple[object, ...]) -> None:
        text = str(message) % args if args else str(message)
        job = self._lease.job
        self._lines.line(self._lease, logging.getLevelName(level).lower(), text)
        log_event(_log, "handler.log", level=level, job_id=job.id, kind=job.kind, message=text)
