"""What a store is asked about the URLs that kinds are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.endpoint import Endpoint


class Endpoints(Protocol):
    """The bindings of one namespace: kept beside its workers, since they are of no shard."""

    def all(self) -> Call[list[Endpoint]]:
        """Return every binding, by kind, with its secrets."""

    def bind(self, endpoint: Endpoint, before: Endpoint | None) -> Call[str]:
        """Put a binding in the place of `before`, None for nothing; a repeat answers alike.

        `bound`; `changed`: another one stands there by now; `too_many`: it would be one beyond MAX_ENDPOINTS.
        """

    def subscribe(self, statuses: Sequence[str]) -> Call[None]:
        """Tell every shard which ends of jobs the namespace's webhook hears of; none: of no end."""

    def unbind(self, kind: str) -> Call[None]:
        """Remove the binding of a kind, if there is one."""
