"""Who carries out calls by one kind of runner, at any address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from jobs.backends.base import Call
from jobs.backends.redis.async_runner import AsyncRunner, connect_async
from jobs.backends.redis.connection import connect
from jobs.backends.redis.runner import SyncRunner

T = TypeVar("T")
# Far beyond what a busy machine needs, far below what a hang would take.
SOON_S = 30.0


class Caller:
    """Carries out calls by one kind of runner, at any address."""

    def __init__(self, kind: str) -> None:
        self._is_async = kind == "async"
        self._loop = asyncio.Runner()
        self._closers: list[Callable[[], object]] = []

    def at(self, url: str) -> Callable[[Call[T]], T]:
        """Return how to run a call at that address; its connections are kept between calls."""
        if not self._is_async:
            client = connect(url, "caller")
            self._closers.append(client.close)
            return SyncRunner(client).run
        runner = AsyncRunner(connect_async(url, "caller"))
        self._closers.append(lambda: self._loop.run(runner.close()))

        def run(call: Call[T]) -> T:
            return self._loop.run(asyncio.wait_for(runner.run(call), SOON_S))

        return run

    def close(self) -> None:
        for close in self._closers:
            close()
        self._loop.close()
