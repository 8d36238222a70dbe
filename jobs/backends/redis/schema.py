"""The layout of the keys has a number, kept in the store, so that an older program refuses newer data."""

from __future__ import annotations

import redis

from jobs.backends.redis.checks.collector import SCHEMA_KEY
from jobs.backends.redis.connection import translated_faults

SCHEMA = 1


def mark_schema(client: redis.Redis | redis.RedisCluster) -> None:
    """Write the layout's number into a store that has none. Raises BackendUnavailable."""
    with translated_faults():
        client.set(SCHEMA_KEY, SCHEMA, nx=True)
