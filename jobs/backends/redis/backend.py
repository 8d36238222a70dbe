"""All askers of one Redis store."""

from __future__ import annotations

import random
from functools import lru_cache

from jobs.backends.base import Inspector, Operator, Producer
from jobs.backends.feed import Feed
from jobs.backends.redis.consumer import RedisConsumer
from jobs.backends.redis.endpoints import RedisEndpoints
from jobs.backends.redis.error_groups import RedisErrorGroups
from jobs.backends.redis.feed import RedisFeed
from jobs.backends.redis.inspector import RedisInspector
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.limits import RedisLimits
from jobs.backends.redis.maintainer import RedisMaintainer
from jobs.backends.redis.operator import RedisOperator
from jobs.backends.redis.producer import RedisProducer
from jobs.backends.redis.schedules import RedisSchedules
from jobs.backends.redis.sharing import RedisSharing
from jobs.backends.redis.tenants import RedisTenants
from jobs.backends.redis.uniques import RedisUniques
from jobs.backends.redis.workflows import RedisWorkflows
from jobs.backends.sharded import ShardedFeed, ShardedInspector, ShardedOperator, ShardedProducer
from jobs.domain.lease import DEFAULT_LEASE_MS
from jobs.domain.priority import step_s

# They remember the names that they made.
_keys_of = lru_cache(maxsize=4096)(Keys)


class RedisBackend:
    """Makes the askers, each bound to one namespace. Raises ValueError for what can be no namespace."""

    def __init__(self, *, priority_mode: str = "offset", grace_ms: int = DEFAULT_LEASE_MS, shards: int = 1) -> None:
        self.shards = shards
        self._priority_step_s = step_s(priority_mode)
        self._grace_ms = grace_ms
        self._chance = random.Random()
        # Asked for with each job that a program submits.
        self.producer = lru_cache(maxsize=4096)(self._producer)

    def _producer(self, namespace: str) -> Producer:
        """Return who puts jobs into a namespace."""
        made = [RedisProducer(keys, self._priority_step_s) for keys in self._keys(namespace)]
        return made[0] if self.shards == 1 else ShardedProducer(made)

    def consumer(self, namespace: str, shard: int = 0) -> RedisConsumer:
        """Return who takes jobs out of a shard of a namespace."""
        return RedisConsumer(_keys_of(namespace, shard), self._chance)

    def operator(self, namespace: str) -> Operator:
        """Return who steers a namespace."""
        made = [RedisOperator(keys, self._priority_step_s) for keys in self._keys(namespace)]
        return made[0] if self.shards == 1 else ShardedOperator(made)

    def inspector(self, namespace: str) -> Inspector:
        """Return who looks at a namespace."""
        made = [RedisInspector(keys) for keys in self._keys(namespace)]
        return made[0] if self.shards == 1 else ShardedInspector(made)

    def maintainer(self, namespace: str, shard: int = 0) -> RedisMaintainer:
        """Return who keeps a shard of a namespace in order."""
        return RedisMaintainer(_keys_of(namespace, shard), self._grace_ms)

    def feed(self, namespace: str) -> Feed:
        """Return who follows a namespace."""
        made = [RedisFeed(keys) for keys in self._keys(namespace)]
        return made[0] if self.shards == 1 else ShardedFeed(made)

    def endpoints(self, namespace: str) -> RedisEndpoints:
        """Return who knows where the jobs of a namespace are sent."""
        return RedisEndpoints(self._keys(namespace))

    def error_groups(self, namespace: str) -> RedisErrorGroups:
        """Return who knows the failures of a namespace."""
        return RedisErrorGroups(_keys_of(namespace, 0))

    def sharing(self, namespace: str) -> RedisSharing:
        """Return who knows which queues of a namespace are fair."""
        return RedisSharing(self._keys(namespace))

    def limits(self, namespace: str) -> RedisLimits:
        """Return who knows the limits of a namespace."""
        return RedisLimits(self._keys(namespace))

    def tenants(self, namespace: str) -> RedisTenants:
        """Return who knows what a namespace may have."""
        return RedisTenants(self._keys(namespace))

    def workflows(self, namespace: str) -> RedisWorkflows:
        """Return who knows the workflows of a namespace."""
        return RedisWorkflows(self._keys(namespace), self._priority_step_s)

    def schedules(self, namespace: str) -> RedisSchedules:
        """Return who decides about the schedules of a namespace."""
        return RedisSchedules(self._keys(namespace), self._priority_step_s)

    def uniques(self, namespace: str) -> RedisUniques:
        """Return who knows the unique keys of a namespace."""
        return RedisUniques(self._keys(namespace))

    def _keys(self, namespace: str) -> list[Keys]:
        return [_keys_of(namespace, shard) for shard in range(self.shards)]
