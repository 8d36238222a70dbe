"""A loop's own way to the store: made late, rebuilt when it makes no progress, its outages told once a process."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from jobs.backends.base import Call, Runner
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event

T = TypeVar("T")

REBUILD_AFTER_S = 3.0
MAX_PAUSE_S = 1.0


class ClosableRunner(Runner, Protocol):
    """A runner with connections of its own."""

    def close(self) -> None:
        """Give the connections back."""


class StoreChannel(Protocol):
    """A connection that the event loop works itself."""

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip. Raises BackendUnavailable."""

    def close(self) -> None:
        """Drop the connection."""


class StoreWatch:
    """Knows whether the store is away, and logs only when that changes. Shared by all loops of a process."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._back_at = 0.0

    @property
    def is_away(self) -> bool:
        """Tell whether the last thing heard of the store was a failure."""
        return self._away_since is not None

    def is_settled(self, seconds: float) -> bool:
        """Tell whether the store has answered for so long that every loop should be at work again."""
        return self._away_since is None and time.monotonic() - self._back_at > seconds

    def failed(self, error: BackendUnavailable) -> None:
        """Note that a call failed."""
        with self._lock:
            if self._away_since is not None:
                return
            self._away_since = time.monotonic()
        log_event(self._logger, "store.away", level=logging.WARNING, detail=error.detail, code=error.code)

    def answered(self) -> None:
        """Note that a call was answered."""
        if self._away_since is None:
            return
        with self._lock:
            since, self._away_since = self._away_since, None
            self._back_at = time.monotonic()
        if since is not None:
            log_event(self._logger, "store.back", away_ms=round((time.monotonic() - since) * 1000))


class Link:
    """What a way to the store remembers of its failures."""

    def __init__(self, watch: StoreWatch) -> None:
        self._watch = watch
        self._failures = 0
        self._last_ok = time.monotonic()

    @property
    def is_away(self) -> bool:
        """Tell whether the last try on this way failed."""
        return self._failures > 0

    def pause_s(self) -> float:
        """Return how long to wait before the next try: jittered, growing, at most a second."""
        ceiling = min(MAX_PAUSE_S, 0.05 * 2 ** min(self._failures, 10))
        return random.uniform(ceiling / 2, ceiling)

    def _failed(self, error: BackendUnavailable) -> None:
        self._failures += 1
        self._watch.failed(error)

    def _answered(self) -> None:
        self._failures = 0
        self._last_ok = time.monotonic()
        self._watch.answered()


class StoreLink(Link):
    """Runs calls for one loop and one thread at a time."""

    def __init__(self, connect: Callable[[], ClosableRunner], watch: StoreWatch) -> None:
        super().__init__(watch)
        self._connect = connect
        self._runner: ClosableRunner | None = None

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip. Raises BackendUnavailable."""
        try:
            if self._runner is None:
                self._runner = self._open()
            answers = self._runner.run_many(calls)
        except BackendUnavailable as error:
            self._failed(error)
            if time.monotonic() - self._last_ok > REBUILD_AFTER_S:
                self.close()
            raise
        self._answered()
        return answers

    def run(self, call: Call[T]) -> T:
        """Carry out one call. Raises BackendUnavailable."""
        return self.run_many([call])[0]

    def close(self) -> None:
        """Drop the connections; the next call makes new ones, and looks up the address again."""
        runner, self._runner = self._runner, None
        self._last_ok = time.monotonic()
        if runner is not None:
            runner.close()

    def _open(self) -> ClosableRunner:
        try:
            return self._connect()
        except BackendUnavailable:
            raise
        except Exception as error:
            # A Cluster's client asks for the nodes when it is made, and says it in its own errors.
            raise BackendUnavailable(f"The store cannot be reached: {type(error).__name__}.") from error


class ChannelLink(Link):
    """Runs calls for the event loop, one round at a time; its channel connects anew after each failure."""

    def __init__(self, channel: StoreChannel, watch: StoreWatch) -> None:
        super().__init__(watch)
        self._channel = channel

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip. Raises BackendUnavailable."""
        try:
            answers = await self._channel.run_many(calls)
        except BackendUnavailable as error:
            self._failed(error)
            raise
        self._answered()
        return answers

    def close(self) -> None:
        """Drop the connection."""
        self._channel.close()
