"""Which namespaces a worker of all of them serves: those that servers tell the store, looked at now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs import wiring
from jobs.domain.errors import BackendUnavailable
from jobs.domain.naming import DEFAULT_NAMESPACE

LOOK_EVERY_S = 2.0


class Following:
    """Called again and again, looks every two seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next_at = 0.0

    def __call__(self) -> frozenset[str] | None:
        """Return the names; None when it is not time to look, or the store does not answer."""
        if self._monotonic() < self._next_at:
            return None
        self._next_at = self._monotonic() + LOOK_EVERY_S
        try:
            return all_namespaces()
        except BackendUnavailable:
            return None


def all_namespaces() -> frozenset[str]:
    """Return all names. Raises BackendUnavailable."""
    # Before the first server has told any there is this one.
    return frozenset({DEFAULT_NAMESPACE, *wiring.known_namespaces()})
