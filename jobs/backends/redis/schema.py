"""The layout of the keys has a number, kept in the store, so that a program refuses data that it
would misread, be it newer or older."""

from __future__ import annotations

import redis

from jobs.backends.redis.checks.collector import SCHEMA_KEY
from jobs.backends.redis.connection import translated_faults

# 1 was that of the time before the first release: leases of two words, queues without a time, ids without `idem`.
SCHEMA = 2


def mark_schema(client: redis.Redis | redis.RedisCluster) -> None:
    """Write the layout's number into a store that has none. Raises BackendUnavailable."""
    with translated_faults():
        client.set(SCHEMA_KEY, SCHEMA, nx=True)
