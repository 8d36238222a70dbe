"""The only reader of the environment in the SDK: where the server is, the key for it, and how a worker works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ironforge_client.connection import Place

DEFAULT_URL = "http://localhost:3000"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker program is told from outside."""

    place: Place
    queues: tuple[str, ...]
    concurrency: int
    lease_ms: int
    grace_s: float
    app_version: str


def place() -> Place:
    """Return what `IRONFORGE_URL` (default http://localhost:3000) and `IRONFORGE_API_KEY` (default none) say.

    Raises ValueError for an address that is none.
    """
    return Place(os.environ.get("IRONFORGE_URL") or DEFAULT_URL, os.environ.get("IRONFORGE_API_KEY") or None)


def worker() -> WorkerSettings:
    """Return how a worker shall work.

    `IRONFORGE_QUEUES` (commas between them, default `main`), `IRONFORGE_CONCURRENCY` (default 10), `IRONFORGE_LEASE_MS`
    (default 10 000), `IRONFORGE_GRACE_S` (default 25) and `IRONFORGE_APP_VERSION`
    (default none). Raises ValueError for what is no number.
    """
    queues = (os.environ.get("IRONFORGE_QUEUES") or "main").split(",")
    return WorkerSettings(
        place(),
        tuple(queue.strip() for queue in queues if queue.strip()),
        int(os.environ.get("IRONFORGE_CONCURRENCY") or 10),
        int(os.environ.get("IRONFORGE_LEASE_MS") or 10_000),
        float(os.environ.get("IRONFORGE_GRACE_S") or 25),
        os.environ.get("IRONFORGE_APP_VERSION") or "",
    )


def with_variables(changed: Mapping[str, str]) -> dict[str, str]:
    """Return this process' environment with some variables set, for a program that is started."""
    return {**os.environ, **changed}
