"""What the log says of the loops, where no server shows it under /health."""

from __future__ import annotations

import logging

from jobs.services.health import STUCK_S
from jobs.telemetry import progress
from jobs.telemetry.logs import get_logger, log_event

_log = get_logger("loops")


def tell_health() -> None:
    """Write one line: the seconds since each loop last got something right, as a warning where one does not get on."""
    ages = {name: round(age_s, 1) for name, age_s in sorted(progress.seconds_since_ok().items())}
    stuck = [name for name, age_s in ages.items() if age_s > STUCK_S]
    level, status = (logging.WARNING, "degraded") if stuck else (logging.INFO, "ok")
    log_event(_log, "loops.health", level=level, status=status, loops=ages, stuck=stuck or None)
