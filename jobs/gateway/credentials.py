"""From a request's head to an actor, without waiting for the database while the key is known."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import lru_cache

from django.db import close_old_connections

from jobs.access.actor import Actor
from jobs.access.credentials import authenticate_key, known_key
from jobs.access.open_access import open_actor
from jobs.conf import conf
from jobs.domain.errors import BackendUnavailable, NotAuthenticated
from jobs.gateway.exchange import Exchange, Headers

# Keys that nobody knows cost a look-up each; beyond so many at a time the next has to come again.
MAX_STRANGERS = 256
_MISSING = "Send an API key: Authorization: Bearer ifk_…"


class Doorkeeper:
    """Says who asks. Keys that are due for another look are looked up off the event loop, each once at a time."""

    def __init__(self) -> None:
        self._lookups: dict[str, asyncio.Future[Actor]] = {}
        self._strangers = 0
        # Whoever floods us with keys that nobody knows must not hold up the keys that are known.
        self._admitting = ThreadPoolExecutor(2, thread_name_prefix="ironforge-keys")
        self._refreshing = ThreadPoolExecutor(2, thread_name_prefix="ironforge-known-keys")

    async def actor_of(self, exchange: Exchange) -> Actor:
        """Return who asks. Raises NotAuthenticated or BackendUnavailable."""
        if b"authorization" not in exchange.headers:
            actor = open_actor_of(exchange.peer, exchange.headers)
            if actor is None:
                raise NotAuthenticated(_MISSING)
            return actor
        text = key_text(exchange.headers)
        known = known_key(text)
        if known is None:
            if text not in self._lookups and self._strangers >= MAX_STRANGERS:
                raise BackendUnavailable("Too many keys are being checked.", code="overloaded")
            return await self._stranger(text)
        actor, is_due = known
        if is_due:
            self._look_up(text, self._refreshing)
        return actor

    async def _stranger(self, text: str) -> Actor:
        self._strangers += 1
        try:
            # Others wait for the same look-up: one that gives up must not end it.
            return await asyncio.shield(self._look_up(text, self._admitting))
        finally:
            self._strangers -= 1

    def _look_up(self, text: str, threads: Executor) -> asyncio.Future[Actor]:
        task = self._lookups.get(text)
        if task is None:
            task = asyncio.get_running_loop().run_in_executor(threads, _checked, text)
            self._lookups[text] = task
            task.add_done_callback(lambda done: self._looked_up(text, done))
        return task

    def _looked_up(self, text: str, task: asyncio.Future[Actor]) -> None:
        self._lookups.pop(text, None)
        if not task.cancelled():
            # Marks a refusal as seen: whoever waits gets it, and often nobody does.
            task.exception()


def key_text(headers: Headers) -> str:
    """Return the key of a request that has an `authorization` header. Raises NotAuthenticated."""
    scheme, _, rest = headers[b"authorization"].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated(_MISSING)
    return rest.strip()


def _checked(text: str) -> Actor:
    """Look a key up in a thread that keeps no connection to the database beyond its age."""
    close_old_connections()
    try:
        return authenticate_key(text)
    finally:
        close_old_connections()


def open_actor_of(peer: str | None, headers: Headers) -> Actor | None:
    """Return who asks without a key, None where open access does not hold. `peer` is the other end's address."""
    if not conf().is_open:
        return None
    return _judged(peer, headers.get(b"host"), headers.get(b"origin"), headers.get(b"sec-fetch-site"), tuple(headers))


@lru_cache(maxsize=1024)
def _judged(
    peer: str | None, host: bytes | None, origin: bytes | None, fetch_site: bytes | None, names: tuple[bytes, ...]
) -> Actor | None:
    """Judge open access once for each kind of request: of most headers only the name matters."""
    named = {name.decode("latin-1"): "" for name in names}
    for name, value in (("host", host), ("origin", origin), ("sec-fetch-site", fetch_site)):
        if value is not None:
            named[name] = value.decode("latin-1")
    return open_actor(is_open=True, peer=peer, headers=named)
