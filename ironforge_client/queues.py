"""Queues and workers as the server shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ironforge_client.jobs import read_time
from ironforge_client.limits import Limit, read_limit


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. `depth` is jobs that are ready; `oldest_age_ms` is how long the oldest of them waits.

    Of one queue alone: `fair` has the weights of its keys where they take turns, and `limit` what limits it.
    """

    name: str
    depth: int
    running: int
    is_paused: bool
    oldest_age_ms: int | None
    by_status: Mapping[str, int]
    fair: Mapping[str, int] | None
    limit: Limit | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker as it last reported itself; `jobs` are ids of what it runs here, in one of its `namespaces`."""

    id: str
    host: str
    pid: int
    status: str
    queues: tuple[str, ...]
    kinds: tuple[str, ...]
    concurrency: int
    namespaces: int
    busy: int
    jobs: tuple[str, ...]
    started_at: datetime
    seen_at: datetime
    document: Mapping[str, Any] = field(repr=False, compare=False)


def read_queue(document: Mapping[str, Any]) -> Queue:
    """Return the queue of an answer."""
    return Queue(
        name=document["name"],
        depth=document["depth"],
        running=document["running"],
        is_paused=document["paused"],
        oldest_age_ms=document["oldest_age_ms"],
        by_status=document["by_status"],
        fair=None if (fair := document.get("fair")) is None else fair["weights"],
        limit=None if (limit := document.get("limit")) is None else read_limit(limit),
        document=document,
    )


def read_worker(document: Mapping[str, Any]) -> WorkerRecord:
    """Return the worker of an answer."""
    return WorkerRecord(
        id=document["id"],
        host=document["host"],
        pid=document["pid"],
        status=document["status"],
        queues=tuple(document["queues"]),
        kinds=tuple(document["kinds"]),
        concurrency=document["concurrency"],
        namespaces=document.get("namespaces", 1),
        busy=document["busy"],
        jobs=tuple(document["jobs"]),
        started_at=read_time(document["started_at"]),
        seen_at=read_time(document["seen_at"]),
        document=document,
    )
