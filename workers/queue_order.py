"""In which order a claim looks at the queues: strictly as they were named, or by chance after their weights."""

from __future__ import annotations

import random
from collections.abc import Sequence


class QueueOrder:
    """Strict without weights: a queue is served when those before it are empty.

    `last` are served behind all others, whatever these weigh.

    With weights each claim draws an order anew: a queue of weight 5 stands before one of weight 1 in five of six.
    """

    def __init__(
        self,
        queues: Sequence[str],
        weights: Sequence[int] = (),
        chance: random.Random | None = None,
        *,
        last: Sequence[str] = (),
    ) -> None:
        self._queues = tuple(queues)
        self._last = tuple(queue for queue in last if queue not in self._queues)
        self._weights = tuple(weights)
        self._chance = chance or random.Random()

    def next(self) -> tuple[str, ...]:
        """Return all queues, the first to be served first."""
        if not self._weights:
            return self._queues + self._last
        # Efraimidis and Spirakis (2006): sorted by u^(1/w) the first of the rest is always drawn by weight.
        keyed = zip(self._weights, self._queues, strict=True)
        drawn = sorted(((self._chance.random() ** (1 / weight), queue) for weight, queue in keyed), reverse=True)
        return tuple(queue for _, queue in drawn) + self._last
