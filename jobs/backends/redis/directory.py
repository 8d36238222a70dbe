"""The names of all namespaces, which servers tell and workers of several namespaces follow. No job depends on it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import redis

from jobs.backends.redis.connection import translated_faults
from jobs.domain.naming import is_namespace

NAMESPACES_KEY = "ironforge:{meta}:namespaces"

Client = redis.Redis | redis.RedisCluster


def tell_namespaces(client: Client, names: Iterable[str]) -> None:
    """Write the names down. Raises BackendUnavailable."""
    with translated_faults():
        client.set(NAMESPACES_KEY, msgspec.json.encode(sorted(names)))


def namespaces_in(client: Client) -> tuple[str, ...]:
    """Return the names that were written down last; none of what was damaged. Raises BackendUnavailable."""
    with translated_faults():
        text = client.get(NAMESPACES_KEY) or b""
    try:
        names = msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        return ()
    return tuple(filter(is_namespace, names))
