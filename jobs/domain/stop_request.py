"""How often somebody asked a process to stop, judged by its signals."""

from __future__ import annotations

from typing import Final

_SAME_REQUEST_S: Final = 0.5


class StopRequests:
    """Counts requests. What follows one within half a second belongs to it.

    A terminal, `timeout` or an init system signals a whole group, and `make` or a parent passes its own signal on.
    """

    def __init__(self) -> None:
        self.count = 0
        self._counted_at = 0.0

    def note(self, now: float) -> bool:
        """Take a signal that arrives `now` (monotonic s); say whether it is a request of its own."""
        if self.count and now - self._counted_at < _SAME_REQUEST_S:
            return False
        self.count += 1
        self._counted_at = now
        return True
