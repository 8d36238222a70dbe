"""Django's system checks at a start: log records like all others, instead of a page on standard error."""

from __future__ import annotations

import logging

from django.core import checks

from jobs.telemetry.logs import get_logger, log_event


class ChecksFailed(Exception):
    """A check found what must not be started with; the text says what, a line each."""


def report_checks(logger: str) -> None:
    """Log each doubt as a warning. Raises ChecksFailed for what is more than a doubt."""
    found = [message for message in checks.run_checks() if not message.is_silenced()]
    serious = [message for message in found if message.is_serious()]
    if serious:
        raise ChecksFailed("\n".join(f"{message.msg} {message.hint or ''}".strip() for message in serious))
    for message in found:
        log_event(
            get_logger(logger),
            "settings.check",
            level=logging.WARNING,
            check=message.id,
            message=message.msg,
            hint=message.hint,
        )
