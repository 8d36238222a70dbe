"""Waits for a hint that a queue has work, on a blocking connection of its own."""

from __future__ import annotations

from collections.abc import Sequence

import redis
from redis.cluster import RedisCluster

from jobs.backends.redis.connection import CALL_TIMEOUT_S, translated_faults
from jobs.backends.redis.keys import Keys

# The longest wait: polling is the truth, so a waiter never sleeps longer than a poll.
MAX_WAIT_S = 1.0
# The client gives up later than the server does, or it would drop hints on the floor.
READ_TIMEOUT_S = MAX_WAIT_S + CALL_TIMEOUT_S


class RedisWake:
    """Blocks in BLPOP. One waiter per (worker process, namespace): connections stay few."""

    def __init__(self, client: redis.Redis | RedisCluster, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def wait(self, queues: Sequence[str], timeout_s: float) -> bool:
        """Block up to `timeout_s` (at most 1 s); True when woken. Raises BackendUnavailable."""
        seconds = min(max(timeout_s, 0.001), MAX_WAIT_S)
        with translated_faults():
            return self._client.blpop([self._keys.wake(queue) for queue in queues], seconds) is not None

    def close(self) -> None:
        """Give the connection back; a wait in another thread ends with BackendUnavailable."""
        self._client.close()
