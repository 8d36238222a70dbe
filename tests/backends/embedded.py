"""Embedded stores of a test's own: where they are, what they log, and how to end one by force."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.backends.redis.embedded.errors import StoreFailed
from jobs.backends.redis.embedded.server import EmbeddedStore


class Events:
    """Keeps what the store logs."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, facts: Mapping[str, object]) -> None:
        self.seen.append((event, dict(facts)))

    @property
    def names(self) -> list[str]:
        return [event for event, _ in self.seen]


def client_of(data_dir: Path) -> redis.Redis:
    """Return a client for the store of that directory."""
    return redis.Redis.from_url(EmbeddedStore.locate(data_dir).url, retry=Retry(NoBackoff(), 0), socket_timeout=60)


def end_server(store: EmbeddedStore, number: signal.Signals) -> StoreFailed:
    """Kill the server and return what the store says of it."""
    assert store.pid is not None
    gone = os.pidfd_open(store.pid)
    os.kill(store.pid, number)
    os.waitid(os.P_PIDFD, gone, os.WEXITED | os.WNOWAIT)
    os.close(gone)
    ended = store.poll()
    assert ended is not None
    return ended
