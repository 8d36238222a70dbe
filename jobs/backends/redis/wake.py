"""Waits for a hint that a queue has work, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.backends.redis.channel import Channel
from jobs.backends.redis.keys import Keys

# The longest wait: polling is the truth, so a waiter never sleeps longer than a poll.
MAX_WAIT_S = 1.0


class RedisWake:
    """Waits in BLPOP. One waiter per (worker process, namespace): connections stay few."""

    def __init__(self, channel: Channel, keys: Keys) -> None:
        self._channel = channel
        self._keys = keys

    async def wait(self, queues: Sequence[str], timeout_s: float) -> bool:
        """Wait up to `timeout_s` (at most 1 s); True when woken. Raises BackendUnavailable."""
        seconds = min(max(timeout_s, 0.001), MAX_WAIT_S)
        return await self._channel.pop_first([self._keys.wake(queue) for queue in queues], seconds)

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()
