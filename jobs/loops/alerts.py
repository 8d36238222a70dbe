"""The loop that looks at what alerts watch and sends what there is to tell."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.services import alert_notices, alert_watch

_TIDY_EVERY_S = 3_600.0


class AlertsLoop:
    """Judges the rules of all namespaces, and sends messages one at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._tidy_at = monotonic() + _TIDY_EVERY_S

    def round(self) -> bool:
        """Look, and send one message; True when there may be more of either."""
        if self._monotonic() >= self._tidy_at:
            self._tidy_at = self._monotonic() + _TIDY_EVERY_S
            alert_notices.forget_old()
        has_more = alert_watch.look()
        return alert_notices.send_next() or has_more
