"""Who carries out calls by one kind of runner, at any address, and waits for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from jobs.backends.call import AsyncRunner, Call, Runner
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import connect, connect_to
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner

T = TypeVar("T")
# Far beyond what a busy machine needs, far below what a hang would take.
SOON_S = 30.0
KINDS = ("sync", "channel")


class Awaited:
    """An asynchronous runner for those who wait."""

    def __init__(self, runner: AsyncRunner, loop: asyncio.Runner) -> None:
        self._runner = runner
        self._loop = loop

    def run(self, call: Call[T]) -> T:
        return self._loop.run(asyncio.wait_for(self._runner.run(call), SOON_S))

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        return self._loop.run(asyncio.wait_for(self._runner.run_many(calls), SOON_S))


class Caller:
    """Makes runners of one kind; their connections are kept until it closes."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._loop = asyncio.Runner()
        self._closers: list[Callable[[], object]] = []

    def runner(self, url: str, *, namespace: str = "n1", has_test_clock: bool = False) -> Runner:
        """Return a runner for the store at that address."""
        if self._kind == "sync":
            client = connect(url, "caller")
            self._closers.append(client.close)
            return SyncRunner(client, has_test_clock=has_test_clock)
        dial = partial(connect_to, url, "caller", Keys(namespace).named("ids"))
        channel = Channel(dial, has_test_clock=has_test_clock)
        self._closers.append(channel.close)
        return Awaited(channel, self._loop)

    def at(self, url: str) -> Callable[[Call[T]], T]:
        """Return how to run a call at that address."""
        return self.runner(url).run

    def close(self) -> None:
        for close in self._closers:
            close()
        self._loop.close()
