"""How long to wait before a process that died is started again: 0.2 s, doubled up to 10 s, forgiven by a good life."""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 0.2
LONGEST_S: Final = 10.0
FORGIVEN_AFTER_S: Final = 10.0


class RestartDelay:
    """The delays of one process."""

    def __init__(self) -> None:
        self._next_s = FIRST_S

    def after_life_of(self, lived_s: float) -> float:
        """Return the delay in seconds after a life of `lived_s`; a long life starts the row again."""
        if lived_s >= FORGIVEN_AFTER_S:
            self._next_s = FIRST_S
        delay_s = self._next_s
        self._next_s = min(self._next_s * 2, LONGEST_S)
        return delay_s
