"""When it is time to tidy up."""

from __future__ import annotations

import time
from collections.abc import Callable

_EVERY_S = 3_600.0


class Hourly:
    """Says so once an hour, the first time an hour after the start."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at = monotonic() + _EVERY_S

    def is_due(self) -> bool:
        """Tell whether an hour has passed since this was True."""
        if self._monotonic() < self._at:
            return False
        self._at = self._monotonic() + _EVERY_S
        return True
