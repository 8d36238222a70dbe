"""Where the kinds of a namespace are bound, as of a moment ago."""

from __future__ import annotations

import threading
import time

from jobs.backends.call import Runner
from jobs.backends.endpoints import Endpoints
from jobs.domain.endpoint import Endpoint
from jobs.domain.errors import BackendUnavailable

FRESH_S = 2.0


class EndpointTable:
    """Read again after FRESH_S, and at once for a kind that is not in it; for any number of threads."""

    def __init__(self, endpoints: Endpoints, runner: Runner) -> None:
        self._endpoints = endpoints
        self._runner = runner
        self._lock = threading.Lock()
        self._by_kind: dict[str, Endpoint] = {}
        self._read_at: float | None = None

    def find(self, kind: str) -> Endpoint | None:
        """Return the binding of a kind, None for an unbound one. Raises BackendUnavailable when nobody can tell.

        While the store is away what was known last counts.
        """
        asked_at = time.monotonic()
        found = self._by_kind.get(kind)
        if found is not None and self._read_at is not None and asked_at - self._read_at < FRESH_S:
            return found
        with self._lock:
            if self._read_at is None or self._read_at < asked_at:
                self._read(found)
        return self._by_kind.get(kind)

    def _read(self, found: Endpoint | None) -> None:
        began = time.monotonic()
        try:
            every = self._runner.run(self._endpoints.all())
        except BackendUnavailable:
            if found is None:
                raise
        else:
            self._by_kind, self._read_at = {endpoint.kind: endpoint for endpoint in every}, began
