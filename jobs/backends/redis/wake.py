"""Waits for a hint that a queue has work and then carries out a call, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from jobs.backends.call import Call
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.keys import Keys

T = TypeVar("T")

# The longest wait: polling is the truth, so a waiter never sleeps longer than a poll.
MAX_WAIT_S = 1.0


class RedisHints:
    """Waits in one BLPOP for all; a server that keeps all keys, as every one does but those of a Cluster, allows it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._keys: dict[tuple[str, int, str], str] = {}

    async def hear(self, places: Sequence[tuple[str, int, str]], timeout_s: float) -> tuple[str, int, str] | None:
        """Take a hint for one of these (namespace, shard, queue), the first that has one; None after `timeout_s`."""
        seconds = min(max(timeout_s, 0.001), MAX_WAIT_S)
        if not self._keys.keys() >= set(places):
            self._keys = {place: Keys(place[0], place[1]).wake(place[2]) for place in places}
        keys = [self._keys[place] for place in places]
        heard = await self._channel.pop(keys, seconds)
        return None if heard is None else places[keys.index(heard)]

    def close(self) -> None:
        """Drop the connection; who waits learns it."""
        self._channel.close()


class RedisWake:
    """Waits in BLPOP. One waiter per (worker process, namespace): connections stay few."""

    def __init__(self, channel: Channel, keys: Keys) -> None:
        self._channel = channel
        self._keys = keys

    async def wait(self, queues: Sequence[str], timeout_s: float, call: Call[T]) -> tuple[bool, T]:
        """Wait up to `timeout_s` (at most 1 s), then carry out the call; True when woken, and the answer.

        Raises BackendUnavailable; then the call may have been carried out, or may yet be.
        """
        seconds = min(max(timeout_s, 0.001), MAX_WAIT_S)
        return await self._channel.run_after_pop([self._keys.wake(queue) for queue in queues], seconds, call)

    async def hear(self, queues: Sequence[str], timeout_s: float) -> str | None:
        """Take a hint and return the queue that it is for; None after `timeout_s` (at most 1 s).

        Raises BackendUnavailable; then a hint may be lost.
        """
        seconds = min(max(timeout_s, 0.001), MAX_WAIT_S)
        heard = await self._channel.pop([self._keys.wake(queue) for queue in queues], seconds)
        return None if heard is None else heard.removeprefix(self._keys.wake(""))

    def close(self) -> None:
        """Drop the connection; who waits learns it."""
        self._channel.close()
