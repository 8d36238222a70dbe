"""The loop that looks at what alerts watch and sends what there is to tell."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.loops.hourly import Hourly
from jobs.services import alert_notices, alert_watch
from jobs.services.turns import Turns


class AlertsLoop:
    """Judges the rules of all namespaces, and sends messages one at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._hourly = Hourly(monotonic)
        self._turns: Turns = {}

    def round(self) -> bool:
        """Look, and send one message; True when there may be more of either."""
        if self._hourly.is_due():
            alert_notices.forget_old()
        has_more = alert_watch.look()
        return alert_notices.send_next(self._turns) or has_more
