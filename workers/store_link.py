"""A loop's own way to the store: made late, rebuilt when it makes no progress, its outages told once a process."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from jobs.backends.call import OF_WORKERS, Call, Runner
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import log_event
from jobs.telemetry.store_watch import log_store_away

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
    """Knows which shards of the store are away, and logs only when that changes. Shared by all loops of a process."""

    def __init__(self, logger: logging.Logger, shards: int = 1) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._is_sharded = shards > 1
        # By shard, when it was last lost and when it last came back (monotonic s).
        self._away_since: dict[int, float] = {}
        self._back_at: dict[int, float] = {}
        # Which of them answer and have no replica that would confirm what is written.
        self._unconfirmed: set[int] = set()

    def is_settled(self, seconds: float) -> bool:
        """Tell whether the whole store has answered for so long that every loop should be at work again."""
        with self._lock:
            last_back_at = max(self._back_at.values(), default=0.0)
            return not self._away_since and time.monotonic() - last_back_at > seconds

    def failed(self, error: BackendUnavailable, began: float, shard: int = 0) -> None:
        """Note the failure of a call that began then (monotonic s); one from before the store's return is over."""
        shard = self._known(shard)
        if error.code == "not_durable":
            self._not_durable(error, shard)
            return
        with self._lock:
            if shard in self._away_since or began < self._back_at.get(shard, 0.0):
                return
            self._away_since[shard] = time.monotonic()
        log_store_away(self._logger, error, self._named(shard))

    def answered(self, began: float, shard: int = 0, *, is_confirmed: bool = False) -> None:
        """Note that a call was answered that began then (monotonic s); one from before the store's loss says nothing.

        `is_confirmed`: replicas had to confirm it, where any are wanted.
        """
        shard = self._known(shard)
        if is_confirmed and shard in self._unconfirmed:
            self._unconfirmed.discard(shard)
            log_event(self._logger, "store.durable", shard=self._named(shard))
        if shard not in self._away_since:
            return
        with self._lock:
            since = self._away_since.get(shard)
            if since is None or began < since:
                return
            del self._away_since[shard]
            self._back_at[shard] = time.monotonic()
        away_ms = round((time.monotonic() - since) * 1000)
        log_event(self._logger, "store.back", away_ms=away_ms, shard=self._named(shard))

    def _not_durable(self, error: BackendUnavailable, shard: int) -> None:
        if shard not in self._unconfirmed:
            self._unconfirmed.add(shard)
            named = self._named(shard)
            log_event(self._logger, "store.not_durable", level=logging.WARNING, detail=error.detail, shard=named)

    def _known(self, shard: int) -> int:
        """Return the shard as it is kept: where there is one, all that is asked is asked of it."""
        return shard if self._is_sharded else 0

    def _named(self, shard: int) -> int | str | None:
        return ("workers" if shard == OF_WORKERS else shard) if self._is_sharded else None


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

    def _failed(self, error: BackendUnavailable, began: float, shard: int) -> None:
        self._failures += 1
        self._watch.failed(error, began, shard)

    def _answered(self, calls: Sequence[Call[Any]], began: float) -> None:
        self._failures = 0
        self._last_ok = time.monotonic()
        self._watch.answered(began, calls[0].shard, is_confirmed=any(call.script == "settle" for call in calls))


class StoreLink(Link):
    """Runs calls for one loop, those of each round for one shard; rounds of several shards may go on together."""

    def __init__(self, connect: Callable[[], ClosableRunner], watch: StoreWatch) -> None:
        super().__init__(watch)
        self._connect = connect
        self._runner: ClosableRunner | None = None
        self._opening = threading.Lock()

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip. Raises BackendUnavailable."""
        began = time.monotonic()
        try:
            runner = self._runner
            if runner is None:
                runner = self._opened()
            answers = self._ask(runner, calls)
        except BackendUnavailable as error:
            self._failed(error, began, calls[0].shard)
            if time.monotonic() - self._last_ok > REBUILD_AFTER_S:
                self.close()
            raise
        self._answered(calls, began)
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

    def _ask(self, runner: ClosableRunner, calls: Sequence[Call[T]]) -> list[T]:
        try:
            return runner.run_many(calls)
        except BackendUnavailable:
            raise
        except Exception as error:
            if self._runner is runner:
                raise
            # Another thread called `close` meanwhile: the client fails in any way when its socket is gone.
            raise BackendUnavailable("The connections were dropped.") from error

    def _opened(self) -> ClosableRunner:
        """Return the connections, made once for all threads that want them."""
        with self._opening:
            runner = self._runner
            if runner is None:
                runner = self._runner = self._open()
            return runner

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
        began = time.monotonic()
        try:
            answers = await self._channel.run_many(calls)
        except BackendUnavailable as error:
            self._failed(error, began, calls[0].shard)
            raise
        self._answered(calls, began)
        return answers

    def close(self) -> None:
        """Drop the connection."""
        self._channel.close()
