"""All askers of one Redis store."""

from __future__ import annotations

import random

from jobs.backends.redis.consumer import RedisConsumer
from jobs.backends.redis.feed import RedisFeed
from jobs.backends.redis.inspector import RedisInspector
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.maintainer import RedisMaintainer
from jobs.backends.redis.operator import RedisOperator
from jobs.backends.redis.producer import RedisProducer
from jobs.domain.lease import DEFAULT_LEASE_MS
from jobs.domain.priority import step_s


class RedisBackend:
    """Makes the askers, each bound to one namespace."""

    def __init__(self, *, priority_mode: str = "offset", grace_ms: int = DEFAULT_LEASE_MS) -> None:
        self._priority_step_s = step_s(priority_mode)
        self._grace_ms = grace_ms
        self._chance = random.Random()

    def producer(self, namespace: str) -> RedisProducer:
        """Return who puts jobs into a namespace."""
        return RedisProducer(Keys(namespace), self._priority_step_s)

    def consumer(self, namespace: str) -> RedisConsumer:
        """Return who takes jobs out of a namespace."""
        return RedisConsumer(Keys(namespace), self._chance)

    def operator(self, namespace: str) -> RedisOperator:
        """Return who steers a namespace."""
        return RedisOperator(Keys(namespace))

    def inspector(self, namespace: str) -> RedisInspector:
        """Return who looks at a namespace."""
        return RedisInspector(Keys(namespace))

    def maintainer(self, namespace: str) -> RedisMaintainer:
        """Return who keeps a namespace in order."""
        return RedisMaintainer(Keys(namespace), self._grace_ms)

    def feed(self, namespace: str) -> RedisFeed:
        """Return who follows a namespace."""
        return RedisFeed(Keys(namespace))
