"""A process that does nothing but make schedules fire, as many servers at once would; it is killed without notice."""

from __future__ import annotations

import logging
import threading
import time
from importlib import import_module

import django
from django.db import close_old_connections

# All look at the same moments, so that they meet.
EVERY_S = 0.05


def main() -> None:
    """Tick until the end of the process."""
    django.setup()
    # What it needs of Django is there only now.
    ticker, pause = import_module("jobs.services.ticking").Ticker(), threading.Event()
    while True:
        pause.wait(EVERY_S - time.time() % EVERY_S)
        close_old_connections()
        try:
            ticker.tick()
        except Exception:
            logging.getLogger(__name__).exception("it tries again")


if __name__ == "__main__":
    main()
