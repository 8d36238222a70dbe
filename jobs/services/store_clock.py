"""What time it is at the store, judged by its answers: each shard may live on a machine of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

# A namespace and a shard of it.
Place = tuple[str, int]


class StoreClock:
    """Knows the clocks of the shards that have answered. They run like ours, but are not set like it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ahead_ms: dict[Place, float] = {}

    def now_ms(self, place: Place) -> int | None:
        """Return the time there (Unix ms), None while it was never told."""
        ahead_ms = self._ahead_ms.get(place)
        return None if ahead_ms is None else int(self._monotonic() * 1000 + ahead_ms)

    def learn(self, place: Place, server_time: int, sent: float) -> None:
        """Note what a shard said in answer to what was sent then (monotonic s)."""
        self._ahead_ms[place] = server_time - (sent + self._monotonic()) * 500
