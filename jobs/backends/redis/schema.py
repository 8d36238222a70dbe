"""The layout of the keys has a number, kept in the store: newer data is refused, older is brought up step by step."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

import redis

from jobs.backends.redis.checks.collector import SCHEMA_KEY
from jobs.backends.redis.connection import translated_faults
from jobs.backends.redis.repaging import onto_pages
from jobs.domain.errors import BackendUnavailable

# 1 and 2 were of the time before the first release: leases of two words, queues without a time, ids without `idem`;
# then a `created` in every job. 3 had the list of all jobs as one sorted set.
SCHEMA = 4

Client = redis.Redis | redis.RedisCluster
Progress = Callable[[float], None]
Step = Callable[[Client, Progress], None]
Say = Callable[[int, float], None]


def _keep_all(_: Client, progress: Progress) -> None:
    """Leave layout 2 as it is: a job of it is one of layout 3 that says twice when it was submitted."""
    progress(1.0)


# Layout → how to make the next one of it. A step tells its progress (0–1) at least twice a minute. It may end anywhere
# and is begun anew then, so it has to see what is done already. There is none from 1, which nobody ever used.
STEPS: Mapping[int, Step] = {2: _keep_all, 3: onto_pages}

SHARDS_KEY = "ironforge:{meta}:shards"
_TURN_KEY = "ironforge:{meta}:migration"
_TURN_MS = 60_000


def layout_of(client: Client) -> int:
    """Return the layout's number in the store, 0 for a new store. Raises BackendUnavailable."""
    with translated_faults():
        value = client.get(SCHEMA_KEY) or b"0"
    return int(value) if value.isdigit() else 0


def shards_in(client: Client) -> int:
    """Return over how many shards each namespace is spread, 0 for a new store. Raises BackendUnavailable."""
    with translated_faults():
        value = client.get(SHARDS_KEY) or b""
        if value.isdigit():
            return int(value)
        # The number is written down since there may be several.
        return 1 if client.exists(SCHEMA_KEY) else 0


def mark_schema(client: Client, shards: int = 1) -> int:
    """Write the layout's number, and that of the shards, into a store that has none; return the latter as it is kept.

    Raises BackendUnavailable.
    """
    found = shards_in(client) or shards
    with translated_faults():
        # First: a store with a layout and without a number of shards has one.
        client.set(SHARDS_KEY, found, nx=True)
        client.set(SCHEMA_KEY, SCHEMA, nx=True)
    # Of several that come to a new store at once, one was first.
    return shards_in(client)


def migrate(client: Client, say: Say, *, steps: Mapping[int, Step] = STEPS, newest: int = SCHEMA) -> None:
    """Make the newest layout of an older one, if each step from it is known; `say` gets the layout made and the share.

    One process does it; the others are told that the store is unavailable. Raises BackendUnavailable.
    """
    found = layout_of(client)
    if found == 0 or found >= newest or any(layout not in steps for layout in range(found, newest)):
        return
    with translated_faults(), _Turn(client) as turn:
        for layout in range(layout_of(client), newest):
            steps[layout](client, turn.progress_of(layout + 1, say))
            turn.keep()
            client.set(SCHEMA_KEY, layout + 1)


class _Turn:
    """The right of one process to migrate. It ends by itself a minute after that process was last heard of."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._mark = secrets.token_hex(16).encode()

    def __enter__(self) -> _Turn:
        if not self._client.set(_TURN_KEY, self._mark, nx=True, px=_TURN_MS):
            raise BackendUnavailable("Another process is bringing the stored jobs up to date.")
        return self

    def __exit__(self, *_: object) -> None:
        if self._client.get(_TURN_KEY) == self._mark:
            self._client.delete(_TURN_KEY)

    def keep(self) -> None:
        """Prolong it. Raises BackendUnavailable when it has ended and somebody else may have begun."""
        if self._client.get(_TURN_KEY) != self._mark:
            raise BackendUnavailable("It took too long to bring the stored jobs up to date.")
        self._client.pexpire(_TURN_KEY, _TURN_MS)

    def progress_of(self, layout: int, say: Say) -> Progress:
        """Return how the step to a layout tells how far it is."""

        def progress(share: float) -> None:
            self.keep()
            say(layout, share)

        return progress
