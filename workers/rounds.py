"""Asks all shards in turn, so that one that is away costs the others next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from jobs.domain.errors import BackendUnavailable

# A shard that hangs costs the time of a call: so many at once, and no further one of those that did not answer the
# last time once a round has waited so long for them.
AT_ONCE = 16
AWAY_S = 1.0

S = TypeVar("S", bound=Hashable)


class Rounds(Generic[S]):
    """Remembers which shards did not answer, and asks those last and only for a while. For one thread.

    A shard is named as whoever asks likes. With several `at_once` threads ask them.
    """

    def __init__(self, name: str, at_once: int) -> None:
        # When each shard that is away was last asked (monotonic s).
        self._away: dict[S, float] = {}
        self._threads = None
        if at_once > 1:
            self._threads = ThreadPoolExecutor(min(at_once, AT_ONCE), thread_name_prefix=f"ironforge-{name}")

    def ask(self, shards: Iterable[S], act: Callable[[S], None], between: Callable[[], None] | None = None) -> None:
        """Act for each shard, and do `between` once those have had their turn that answered the last time.

        Raises BackendUnavailable if any shard did not answer, after all others have.
        """
        wanted = list(shards)
        late = sorted((shard for shard in wanted if shard in self._away), key=lambda shard: self._away[shard])
        failure = self._ask([shard for shard in wanted if shard not in self._away], act)
        if between is not None:
            try:
                between()
            except BackendUnavailable as error:
                failure = error
        until = time.monotonic() + AWAY_S
        while late and time.monotonic() < until:
            some, late = late[:AT_ONCE], late[AT_ONCE:]
            failure = self._ask(some, act) or failure
        if failure is None and late:
            failure = BackendUnavailable("The store does not answer.")
        if failure is not None:
            raise failure

    def _ask(self, shards: Sequence[S], act: Callable[[S], None]) -> BackendUnavailable | None:
        failures: list[BackendUnavailable] = []

        def one(shard: S) -> None:
            try:
                act(shard)
            except BackendUnavailable as error:
                self._away[shard] = time.monotonic()
                failures.append(error)
            else:
                self._away.pop(shard, None)

        if self._threads is None or len(shards) <= 1:
            for shard in shards:
                one(shard)
        else:
            # What is no absence is the loop's to judge.
            list(self._threads.map(one, shards))
        return failures[0] if failures else None
