"""Who carries out calls by one kind of runner, at any address, and waits for the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from jobs.backends.call import AsyncRunner, Call, Runner
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import CALL_TIMEOUT_S, connect, connect_to
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.errors import BackendUnavailable

T = TypeVar("T")
# Far beyond what a busy machine needs, far below what a hang would take.
SOON_S = 60.0
KINDS = ("sync", "channel")


def patiently(run: Callable[[Call[T]], T], call: Call[T]) -> T:
    """Run a call until it is answered: on a busy machine that, or connecting, may take longer than a call may."""
    until = time.monotonic() + SOON_S
    while True:
        try:
            return run(call)
        except BackendUnavailable:
            if time.monotonic() > until:
                raise


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
    """Makes runners of one kind; their connections are kept until it closes.

    `timeout_s` is that of a client which waits; a channel has that of its module.
    """

    def __init__(self, kind: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._kind = kind
        self._timeout_s = timeout_s
        self._loop = asyncio.Runner()
        self._closers: list[Callable[[], object]] = []

    def runner(self, url: str, *, namespace: str = "n1", has_test_clock: bool = False) -> Runner:
        """Return a runner for the store at that address."""
        if self._kind == "sync":
            client = connect(url, "caller", self._timeout_s)
            self._closers.append(client.close)
            return SyncRunner(client, has_test_clock=has_test_clock)
        dial = partial(connect_to, url, "caller", Keys(namespace).named("pages"))
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
