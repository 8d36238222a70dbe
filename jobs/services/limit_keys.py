"""Gives jobs the keys that their kinds are limited by, from their payloads.

Where payloads have them is known to each process for a short time, so that a submission asks the store nothing: a limit
that is set here counts at once, one that is set elsewhere within MAX_AGE_S.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache

import msgspec
from msgspec import UNSET, UnsetType

from jobs import wiring
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import Job, JobSpec
from jobs.domain.limit_key import key_at
from jobs.services.looks import require_seen, until_seen

READ_EVERY_S, MAX_AGE_S = 1.0, 5.0
# Namespaces that are remembered.
_MOST = 4_096

Paths = dict[str, str]


class _Known:
    """What was last read of a namespace, and when that was asked (monotonic, s)."""

    __slots__ = ("paths", "read_at", "reading")

    def __init__(self) -> None:
        self.paths: Paths = {}
        self.read_at = float("-inf")
        self.reading: Future[None] | None = None


class LimitKeys:
    """Knows where the payloads of a namespace have their keys."""

    def __init__(self, read: Callable[[str], Paths], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`read` asks the store about a namespace; it may raise BackendUnavailable."""
        self._read = read
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ironforge-limit-keys")
        self._known: dict[str, _Known] = {}

    def look(self, namespace: str) -> None:
        """Ask now, as a process does before it serves; a store that is away is asked again by who needs it."""
        with suppress(BackendUnavailable):
            self._look(namespace, self._known.setdefault(namespace, _Known()))

    def forget(self, namespace: str) -> None:
        """Ask anew for the next job."""
        self._known.pop(namespace, None)

    def paths_of(self, namespace: str) -> Paths:
        """Return where payloads have their keys, by kind; an event loop waits for `wait_for` first.

        Raises BackendUnavailable where the store does not say.
        """
        known, reading = self._look_at(namespace)
        if reading is not None:
            require_seen(reading)
        return known.paths

    def is_known(self, namespace: str) -> bool:
        """Tell whether `paths_of` answers at once."""
        return self._look_at(namespace)[1] is None

    async def wait_for(self, namespace: str) -> None:
        """Return when `paths_of` answers at once, without holding the loop up. Raises BackendUnavailable."""
        await until_seen(self._look_at(namespace)[1])

    def _look_at(self, namespace: str) -> tuple[_Known, Future[None] | None]:
        """Return what is known, and the reading to wait for where that is too old."""
        known, now = self._known.get(namespace), self._monotonic()
        if known is not None and now - known.read_at < READ_EVERY_S:
            return known, None
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known.setdefault(namespace, _Known())
        reading = self._begin(namespace, known)
        return known, reading if now - known.read_at >= MAX_AGE_S else None

    def _begin(self, namespace: str, known: _Known) -> Future[None]:
        with self._lock:
            if known.reading is None or known.reading.done():
                known.reading = self._threads.submit(self._look, namespace, known)
            return known.reading

    def _look(self, namespace: str, known: _Known) -> None:
        asked_at = self._monotonic()
        known.paths = self._read(namespace)
        known.read_at = asked_at


def with_key(spec: JobSpec, paths: Paths) -> JobSpec:
    """Return a job with its key; one that was given stays."""
    path = paths.get(spec.kind)
    if path is None or spec.limit_key is not None:
        return spec
    return msgspec.structs.replace(spec, limit_key=key_at(spec.payload, path))


def key_with(job: Job, payload: bytes, paths: Paths) -> str | UnsetType | None:
    """Return the key that another payload gives a job; UNSET where its own was given, and stays."""
    path = paths.get(job.kind)
    if path is None or job.payload is None or job.limit_key not in (None, key_at(job.payload, path)):
        return UNSET
    return key_at(payload, path)


def _read(namespace: str) -> Paths:
    return wiring.runner().run(wiring.backend().limits(namespace).paths())


@cache
def limit_keys() -> LimitKeys:
    """Return the one of this process."""
    return LimitKeys(_read)
