"""A worker in Python that needs nothing but the server's address."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from ironforge_client import environment
from ironforge_client.connection import Place
from ironforge_client.worker.life import Life
from ironforge_client.worker.protocol import Options
from ironforge_client.worker.registry import HandlerFunction, Registry

F = TypeVar("F", bound=HandlerFunction)


class Worker:
    """Runs the jobs of its queues with the handlers that it was given.

    `async def` handlers share the event loop, `def` handlers have a thread each; together at most `concurrency`, which
    is 1–200. On SIGTERM and SIGINT no more jobs are taken, and running ones have `grace_s` seconds to end; what is left
    is given back without using an attempt. `app_version` is of the program's own code: error groups name it, and charts
    mark a new one.
    """

    def __init__(
        self,
        base_url: str = environment.DEFAULT_URL,
        api_key: str | None = None,
        *,
        queues: Sequence[str] = ("main",),
        concurrency: int = 10,
        lease_ms: int = 10_000,
        grace_s: float = 25.0,
        name: str = "python",
        app_version: str = "",
    ) -> None:
        self._place = Place(base_url, api_key)
        self._options = Options(tuple(queues), concurrency, lease_ms, grace_s, name, app_version)
        self._registry = Registry()
        self._life: Life | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Return a worker as `IRONFORGE_URL`, `_API_KEY`, `_QUEUES`, `_CONCURRENCY`, `_LEASE_MS`, `_GRACE_S` and
        `_APP_VERSION` say.
        """
        found = environment.worker()
        return cls(
            found.place.base_url,
            found.place.api_key,
            queues=found.queues,
            concurrency=found.concurrency,
            lease_ms=found.lease_ms,
            grace_s=found.grace_s,
            app_version=found.app_version,
        )

    def handler(self, kind: str, *, timeout_ms: int | None = None) -> Callable[[F], F]:
        """Return a decorator for the function `(context, payload)` that runs a kind of job.

        `timeout_ms` shortens the job's own limit.
        """
        return self._registry.add(kind, timeout_ms)

    def run(self) -> None:
        """Work until a signal or an operator ends it. Raises IronForgeError when the server refuses the worker."""
        asyncio.run(self._run())

    async def serve(self) -> None:
        """Work on this event loop until `stop`; signals are left to the program."""
        self._life = Life(self._place, self._options, self._registry)
        try:
            await self._life.run()
        finally:
            self._life = None

    def stop(self) -> None:
        """Begin the orderly end of `serve`; a second time, without waiting for running jobs."""
        if self._life is not None:
            self._life.stop()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # on Windows
                loop.add_signal_handler(number, self.stop)
        await self.serve()
